"""The page for whoever tests a client: patients and consents, requests as they come with their verdicts, a report."""
