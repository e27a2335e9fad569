// A second reader of acceptance files, written from harness/acceptance/FORMAT.md alone: node >= 18, no package.
// node verify.mjs FILE.zip… CA.pem   prints one line a file; exit 0 when all of them hold, 1 when one does not.
import { readFileSync } from "node:fs";
import { X509Certificate, constants, createHash, verify } from "node:crypto";
import { crc32 } from "./crc32.mjs";

const ORDER = BigInt("0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551");
const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]*(\/[A-Za-z0-9_][A-Za-z0-9._-]*)*$/;
const DEMANDED = ["manifest.json", "signature.jws", "acceptance.json", "acceptance.html", "journal.ndjson"];

function refuse(reason) { throw new Error(reason); }

function localHeader(name, contents) {
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(20, 4);
  header.writeUInt16LE(0x21, 12);
  header.writeUInt32LE(crc32(contents), 14);
  header.writeUInt32LE(contents.length, 18);
  header.writeUInt32LE(contents.length, 22);
  header.writeUInt16LE(name.length, 26);
  return Buffer.concat([header, Buffer.from(name)]);
}

function directory(members) {
  const entries = [];
  let offset = 0;
  for (const [name, contents] of members) {
    const local = localHeader(name, contents);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(0x0314, 4);
    local.copy(entry, 6, 4, 28);
    entry.writeUInt32LE((0o600 << 16) >>> 0, 38);
    entry.writeUInt32LE(offset, 42);
    entries.push(entry, Buffer.from(name));
    offset += local.length + contents.length;
  }
  const body = Buffer.concat(entries);
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(members.size, 8);
  end.writeUInt16LE(members.size, 10);
  end.writeUInt32LE(body.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([body, end]);
}

function unpack(data) {
  const members = new Map();
  let offset = 0, last = "";
  while (offset + 30 <= data.length && data.readUInt32LE(offset) === 0x04034b50) {
    const start = offset + 30 + data.readUInt16LE(offset + 26), size = data.readUInt32LE(offset + 22);
    const name = data.toString("latin1", offset + 30, start), contents = data.subarray(start, start + size);
    if (!NAME.test(name) || name.length > 200 || name <= last) refuse(`name ${name}`);
    if (!data.subarray(offset, start).equals(localHeader(name, contents))) refuse(`header of ${name}`);
    members.set(name, contents);
    last = name;
    offset = start + size;
  }
  if (!data.subarray(offset).equals(directory(members))) refuse("not the one form of the container");
  for (const name of DEMANDED) if (!members.has(name)) refuse(`${name} is missing`);
  return members;
}

function canonical(value) { // RFC 8785 for what a manifest holds: objects, strings, integers
  if (value === null || typeof value !== "object" || Array.isArray(value)) return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
}

function checkSignature(members) {
  const [protectedPart, payload, signaturePart] = members.get("signature.jws").toString("latin1").split(".");
  if (payload !== "" || !signaturePart) refuse("not a detached JWS");
  const text = Buffer.from(protectedPart, "base64url").toString(), header = JSON.parse(text);
  if (text.match(/"(?:[^"\\]|\\.)*"\s*:/g).length !== 4) refuse("header member twice");
  if (Object.keys(header).sort().join() !== "alg,iat,typ,x5c") refuse("header members");
  if (header.typ !== "fhir-harness-acceptance+jws") refuse("typ");
  const chain = header.x5c.map((der) => new X509Certificate(Buffer.from(der, "base64")));
  const key = chain[0].publicKey, raw = Buffer.from(signaturePart, "base64url");
  if (raw.toString("base64url") !== signaturePart) refuse("base64url");
  const input = Buffer.from(`${protectedPart}.${members.get("manifest.json").toString("base64url")}`);
  const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
  const how = {
    ES256: () => key.asymmetricKeyDetails.namedCurve === "prime256v1" && raw.length === 64 &&
      2n * BigInt(`0x${raw.subarray(32).toString("hex")}`) <= ORDER &&
      verify("sha256", input, { key, dsaEncoding: "ieee-p1363" }, raw),
    EdDSA: () => key.asymmetricKeyType === "ed25519" && verify(null, input, key, raw),
    PS256: () => key.asymmetricKeyType === "rsa" && key.asymmetricKeyDetails.modulusLength >= 2048 &&
      verify("sha256", input, { key, ...pss }, raw),
  }[header.alg];
  if (!how || !how()) refuse("signature");
  return { chain, signedAt: new Date(header.iat * 1000) };
}

function checkChain({ chain, signedAt }, anchor) {
  const path = [];
  for (const certificate of chain) {
    path.push(certificate);
    if (certificate.fingerprint256 === anchor.fingerprint256) break;
    const next = certificate.checkIssued(anchor) && certificate.verify(anchor.publicKey) ? anchor : chain[path.length];
    if (!next || !certificate.checkIssued(next) || !certificate.verify(next.publicKey) || !next.ca) refuse("chain");
    if (next === anchor) { path.push(anchor); break; }
  }
  if (path.at(-1).fingerprint256 !== anchor.fingerprint256) refuse("chain does not end at the anchor");
  for (const moment of [signedAt, new Date()])
    for (const { validFrom, validTo } of path)
      if (moment < new Date(validFrom) || moment > new Date(validTo)) refuse("validity");
}

function checkManifest(members) {
  const text = members.get("manifest.json").toString(), manifest = JSON.parse(text);
  if (canonical(manifest) !== text) refuse("manifest is not canonical");
  if (manifest.format !== "fhir-harness-acceptance" || manifest.version !== 1) refuse("format");
  const listed = [...Object.keys(manifest.files), "manifest.json", "signature.jws"].sort().join();
  if (listed !== [...members.keys()].sort().join()) refuse("members are not those of the manifest");
  for (const [name, { sha256, size }] of Object.entries(manifest.files)) {
    const contents = members.get(name);
    if (contents.length !== size || createHash("sha256").update(contents).digest("hex") !== sha256) refuse(name);
  }
}

const anchor = new X509Certificate(readFileSync(process.argv.at(-1)));
for (const file of process.argv.slice(2, -1)) {
  try {
    const members = unpack(readFileSync(file));
    const signature = checkSignature(members);
    checkChain(signature, anchor);
    checkManifest(members);
    const { verdict } = JSON.parse(members.get("acceptance.json"));
    console.log(`holds: ${verdict}, signed ${signature.signedAt.toISOString()}`);
  } catch (problem) {
    console.log(`refused: ${problem.message}`);
    process.exitCode = 1;
  }
}
