package fhir.harness.hapi;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.parser.IParser;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.hl7.fhir.common.hapi.validation.support.PrePopulatedValidationSupport;
import org.hl7.fhir.instance.model.api.IBaseResource;
import org.hl7.fhir.r4.model.StructureDefinition;

/** The profiles, extensions and code lists of a folder of FHIR packages. */
final class Packages {
  /** Extensions of later versions of FHIR: the French Organization uses them, and HAPI can't make them up. */
  private static final List<String> LATER =
      List.of("/StructureDefinition-extension-Organization.description.json", "/StructureDefinition-note.json");

  /** HAPI can't make this profile's snapshot: it slices the codings of slices of qualification. The rest it can. */
  private static final String AS_PRACTITIONER =
      "https://interop.esante.gouv.fr/ig/fhir/annuaire/StructureDefinition/as-practitioner";

  private Packages() {}

  /** Every StructureDefinition, ValueSet and CodeSystem below {@code folder}, in JSON, one a file. */
  static PrePopulatedValidationSupport load(FhirContext fhir, Path folder) {
    PrePopulatedValidationSupport definitions = new PrePopulatedValidationSupport(fhir);
    IParser json = fhir.newJsonParser();
    LATER.forEach(name -> definitions.addResource(json.parseResource(Packages.class.getResourceAsStream(name))));
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.filter(Packages::isDefinition).toList()) {
        IBaseResource definition = json.parseResource(Files.readString(file));
        if (definition instanceof StructureDefinition profile && profile.getUrl().equals(AS_PRACTITIONER)) {
          profile.getDifferential().getElement().removeIf(element -> element.getPath().contains(".qualification"));
        }
        definitions.addResource(definition);
      }
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
    return definitions;
  }

  private static boolean isDefinition(Path file) {
    return file.getFileName().toString().matches("(StructureDefinition|ValueSet|CodeSystem)-.+\\.json");
  }
}
