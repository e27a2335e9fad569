import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.FileInputStream;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.WeakHashMap;
import org.fhir.ucum.UcumEssenceService;
import org.hl7.fhir.convertors.loaders.loaderR5.NullLoaderKnowledgeProviderR5;
import org.hl7.fhir.convertors.loaders.loaderR5.R4ToR5Loader;
import org.hl7.fhir.r5.context.ContextUtilities;
import org.hl7.fhir.r5.context.IContextResourceLoader;
import org.hl7.fhir.r5.context.SimpleWorkerContext;
import org.hl7.fhir.r5.elementmodel.Element;
import org.hl7.fhir.r5.elementmodel.Manager.FhirFormat;
import org.hl7.fhir.r5.model.CanonicalResource;
import org.hl7.fhir.r5.model.CanonicalType;
import org.hl7.fhir.r5.model.Parameters;
import org.hl7.fhir.r5.model.Resource;
import org.hl7.fhir.r5.model.StructureDefinition;
import org.hl7.fhir.r5.utils.validation.IResourceValidator;
import org.hl7.fhir.r5.utils.validation.IValidatorResourceFetcher;
import org.hl7.fhir.r5.utils.validation.ValidatorSession;
import org.hl7.fhir.r5.utils.validation.constants.ReferenceValidationPolicy;
import org.hl7.fhir.r5.utils.xver.XVerExtensionManagerOld;
import org.hl7.fhir.utilities.npm.NpmPackage;
import org.hl7.fhir.utilities.validation.ValidationMessage;
import org.hl7.fhir.validation.ValidatorSettings;
import org.hl7.fhir.validation.instance.InstanceValidator;
import org.hl7.fhir.validation.instance.advisor.BasePolicyAdvisorForFullValidation;
import org.hl7.fhir.validation.service.model.HtmlInMarkdownCheck;

/**
 * Judges cases with HL7's validator, offline: JSON lines {id, profiles, supporting, resource or text} in, JSON lines
 * {id, valid, millis, issues} out. Arguments: the R4 core package, then further packages (.tgz). "supporting" is a list
 * of resources, or the number of a list sent before in a line {supporting}: lists are numbered in their order.
 */
public class Reference {
  private static final Gson GSON = new GsonBuilder().serializeNulls().create();

  /** Nothing outside of the case is fetched; a URL resolves unless it says that it is an example. */
  private static class Nowhere implements IValidatorResourceFetcher {
    public Element fetch(IResourceValidator validator, Object context, String url) { return null; }
    public boolean resolveURL(IResourceValidator validator, Object context, String path, String url, String type,
        boolean canonical, List<CanonicalType> targets) {
      return !url.contains("example.org") && !url.startsWith("http://hl7.org/fhir/invalid");
    }
    public byte[] fetchRaw(IResourceValidator validator, String url) { return null; }
    public IValidatorResourceFetcher setLocale(Locale locale) { return this; }
    public CanonicalResource fetchCanonicalResource(IResourceValidator validator, Object context, String url) {
      return null;
    }
    public boolean fetchesCanonicalResource(IResourceValidator validator, String url) { return false; }
    public Set<ResourceVersionInformation> fetchCanonicalResourceVersions(IResourceValidator validator, Object context,
        String url) {
      return Set.of();
    }
  }

  private static SimpleWorkerContext core(String[] files, IContextResourceLoader loader) throws Exception {
    SimpleWorkerContext context = null;
    for (String file : files) {
      try (InputStream stream = new FileInputStream(file)) {
        NpmPackage npm = NpmPackage.fromPackage(stream);
        if (context == null) {
          context = new SimpleWorkerContext.SimpleWorkerContextBuilder()
              .withAllowLoadingDuplicates(true).fromPackage(npm, loader, false);
        } else {
          context.loadFromPackage(npm, loader);
        }
      }
    }
    context.setUcumService(new UcumEssenceService(Reference.class.getClassLoader().getResourceAsStream("ucum-essence.xml")));
    context.setCanNoTS(true);
    context.setCanRunWithoutTerminology(true);
    context.setNoTerminologyServer(true);
    context.setExpansionParameters(new Parameters());
    context.setXVerManager(new XVerExtensionManagerOld(context));
    return context;
  }

  /** The context with the supporting resources of a case; what cannot be loaded is left out, as a broken package is. */
  private static SimpleWorkerContext with(SimpleWorkerContext base, JsonArray supporting) throws Exception {
    if (supporting.isEmpty()) return base;
    SimpleWorkerContext context = new SimpleWorkerContext(base);
    context.setAllowLoadingDuplicates(true);
    List<StructureDefinition> structures = new ArrayList<>();
    for (JsonElement item : supporting) {
      try {
        byte[] bytes = GSON.toJson(item).getBytes(StandardCharsets.UTF_8);
        Resource resource = new R4ToR5Loader(Set.of(), new NullLoaderKnowledgeProviderR5(), "4.0.1")
            .loadResource(new ByteArrayInputStream(bytes), true);
        context.cacheResource(resource);
        if (resource instanceof StructureDefinition) structures.add((StructureDefinition) resource);
      } catch (Exception problem) {
        System.err.println("supporting: " + problem.getMessage());
      }
    }
    for (StructureDefinition structure : structures) {
      try {
        if (!structure.hasSnapshot()) new ContextUtilities(context).generateSnapshot(structure);
      } catch (Exception problem) {
        System.err.println("snapshot: " + structure.getUrl() + ": " + problem.getMessage());
      }
    }
    return context;
  }

  private static final Map<SimpleWorkerContext, InstanceValidator> VALIDATORS = new WeakHashMap<>();

  private static InstanceValidator validator(SimpleWorkerContext context) {
    return VALIDATORS.computeIfAbsent(context, Reference::newValidator);
  }

  private static InstanceValidator newValidator(SimpleWorkerContext context) {
    InstanceValidator validator =
        new InstanceValidator(context, null, new XVerExtensionManagerOld(context), new ValidatorSession(), new ValidatorSettings());
    validator.setFetcher(new Nowhere());
    validator.setPolicyAdvisor(new BasePolicyAdvisorForFullValidation(ReferenceValidationPolicy.IGNORE, Set.of()));
    validator.setAllowExamples(true);
    validator.setAnyExtensionsAllowed(false);
    validator.setHtmlInMarkdownCheck(HtmlInMarkdownCheck.ERROR);
    return validator;
  }

  private static JsonObject judge(SimpleWorkerContext context, JsonObject line) {
    JsonObject answer = new JsonObject();
    answer.add("id", line.get("id"));
    JsonArray issues = new JsonArray();
    boolean valid = true;
    String text = line.has("text") ? line.get("text").getAsString() : GSON.toJson(line.get("resource"));
    List<ValidationMessage> messages = new ArrayList<>();
    long start = System.nanoTime();
    try {
      List<StructureDefinition> profiles = new ArrayList<>();
      for (JsonElement url : line.getAsJsonArray("profiles")) {
        StructureDefinition profile = context.fetchResource(StructureDefinition.class, url.getAsString());
        if (profile == null) throw new IllegalArgumentException("unknown profile " + url);
        profiles.add(profile);
      }
      validator(context).validate(null, messages,
          new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)), FhirFormat.JSON, profiles);
    } catch (Throwable problem) {
      answer.addProperty("crash", String.valueOf(problem));
    }
    answer.addProperty("millis", (System.nanoTime() - start) / 1e6);
    for (ValidationMessage message : messages) {
      valid = valid && !message.getLevel().isError();
      JsonObject issue = new JsonObject();
      issue.addProperty("severity", message.getLevel().toCode());
      issue.addProperty("code", message.getType().toCode());
      issue.addProperty("expression", message.getLocation());
      issue.addProperty("id", message.getMessageId());
      issue.addProperty("text", message.getMessage());
      issues.add(issue);
    }
    answer.addProperty("valid", valid);
    answer.add("issues", issues);
    return answer;
  }

  public static void main(String[] files) throws Exception {
    PrintStream out = System.out;
    System.setOut(System.err);
    long start = System.nanoTime();
    SimpleWorkerContext base =
        core(files, new R4ToR5Loader(SimpleWorkerContext.defaultTypesToLoad(), new NullLoaderKnowledgeProviderR5(), "4.0.1"));
    System.err.printf("loaded in %.1f s%n", (System.nanoTime() - start) / 1e9);
    Map<Integer, SimpleWorkerContext> kept = new LinkedHashMap<>();
    List<JsonArray> lists = new ArrayList<>();
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String text; (text = in.readLine()) != null; ) {
      JsonObject line = JsonParser.parseString(text).getAsJsonObject();
      JsonElement supporting = line.get("supporting");
      if (!line.has("id")) {
        lists.add(supporting.getAsJsonArray());
        continue;
      }
      SimpleWorkerContext context;
      if (supporting.isJsonArray()) {
        context = with(base, supporting.getAsJsonArray());
      } else {
        int number = supporting.getAsInt();
        if (!kept.containsKey(number)) {
          if (kept.size() > 8) kept.clear();
          kept.put(number, with(base, lists.get(number)));
        }
        context = kept.get(number);
      }
      out.println(GSON.toJson(judge(context, line)));
      out.flush();
    }
  }
}
