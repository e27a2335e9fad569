#!/usr/bin/env bash
# Builds HAPI FHIR's JPA server from Maven Central and serves it on 127.0.0.1 until it is interrupted:
#   start.sh [PORT [FOLDER]]    FOLDER: FHIR packages that requests are validated with, default the repository's conformance/
# It is ready when it prints "HAPI FHIR serves http://127.0.0.1:PORT/fhir". Nothing is kept: the database is in memory.
set -euo pipefail
port="${1:-8080}"
folder="$(cd "$(dirname "$0")" && pwd)"
packages="$(realpath "${2:-$folder/../../../conformance}")"
build="${HAPI_BUILD:-${TMPDIR:-/tmp}/fhir-harness-hapi}"
mvn -q -B -f "$folder/pom.xml" -Dbuild.folder="$build" process-classes dependency:build-classpath -Dmdep.outputFile="$build/classpath"
exec java -Dfhir.packages="$packages" -cp "$build/classes:$(cat "$build/classpath")" fhir.harness.hapi.HapiServer "$port"
