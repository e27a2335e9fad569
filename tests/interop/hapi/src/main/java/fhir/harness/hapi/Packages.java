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

/** The profiles, extensions and code lists of a folder of FHIR packages. */
final class Packages {
  private Packages() {}

  /** Every StructureDefinition, ValueSet and CodeSystem below {@code folder}, in JSON, one a file. */
  static PrePopulatedValidationSupport load(FhirContext fhir, Path folder) {
    PrePopulatedValidationSupport definitions = new PrePopulatedValidationSupport(fhir);
    IParser json = fhir.newJsonParser();
    try (Stream<Path> files = Files.walk(folder)) {
      List<Path> resources =
          files.filter(file -> file.getFileName().toString().matches("(StructureDefinition|ValueSet|CodeSystem)-.+\\.json")).toList();
      for (Path file : resources) {
        definitions.addResource(json.parseResource(Files.readString(file)));
      }
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
    return definitions;
  }
}
