package fhir.harness.hapi;

import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.validation.FhirValidator;
import ca.uhn.fhir.validation.IInstanceValidatorModule;
import java.util.Set;
import org.hl7.fhir.instance.model.api.IBaseResource;
import org.hl7.fhir.r4.model.StructureDefinition;
import org.hl7.fhir.r4.model.StructureDefinition.StructureDefinitionKind;

/** Validates one empty resource a profile, so that the first requests don't wait half a minute for the snapshots. */
final class WarmUp {
  private static final Set<String> TYPES =
      Set.of("Patient", "Organization", "Practitioner", "PractitionerRole", "Observation", "Schedule", "Slot",
          "Appointment", "DocumentReference", "List", "Bundle", "Location", "HealthcareService", "RelatedPerson");

  private WarmUp() {}

  static void run(FhirContext fhir, IValidationSupport definitions, IInstanceValidatorModule module) {
    FhirValidator validator = fhir.newValidator().registerValidatorModule(module);
    for (IBaseResource found : definitions.fetchAllConformanceResources()) {
      if (found instanceof StructureDefinition profile
          && profile.getKind() == StructureDefinitionKind.RESOURCE
          && TYPES.contains(profile.getType())) {
        IBaseResource empty = fhir.getResourceDefinition(profile.getType()).newInstance();
        empty.getMeta().addProfile(profile.getUrl());
        validator.validateWithResult(empty);
      }
    }
  }
}
