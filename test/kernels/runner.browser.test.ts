import { expect, test } from "vitest";
import { bindingsOf, KernelError, type Kernel } from "../../src/kernels/core/runner.ts";
import { run } from "../../tools/gpu/run.ts";
import { testDevice } from "../../tools/gpu/device.ts";

const scale: Kernel<{ count: number; factor: number }> = {
  name: "scale",
  wgsl: `
struct Params { count: u32, factor: f32, a: u32, b: u32 }
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < params.count) { out[id.x] = x[id.x] * params.factor; }
}`,
  packParams({ count, factor }) {
    const bytes = new ArrayBuffer(16);
    new Uint32Array(bytes, 0, 1).set([count]);
    new Float32Array(bytes, 4, 1).set([factor]);
    return bytes;
  },
  workgroups: ({ count }) => [Math.ceil(count / 64), 1, 1],
};

test("bindings are read from the shader without its comments", () => {
  expect([...bindingsOf(`// @group(0) @binding(9) var<uniform> no: u32;\n${scale.wgsl}`)]).toEqual([
    [0, "uniform"],
    [1, "read-only-storage"],
    [2, "storage"],
  ]);
});

test("runs, and leaves NaN where the kernel wrote nothing", async () => {
  const x = new Float32Array(70).fill(3);
  const [out] = await run(await testDevice(), scale, [x, { output: 71 }], { count: 70, factor: 2 });
  expect([...out!.subarray(0, 70)]).toEqual([...new Float32Array(70).fill(6)]);
  expect(out![70]).toBeNaN();
});

test("an error in the shader is thrown and quotes the line", async () => {
  const broken = { ...scale, name: "broken", wgsl: scale.wgsl.replace("x[id.x] *", "y[id.x] *") };
  const running = run(await testDevice(), broken, [new Float32Array(4), { output: 4 }], {
    count: 4,
    factor: 1,
  });
  await expect(running).rejects.toThrow(KernelError);
  await expect(running).rejects.toThrow(/"broken" does not compile[^]*out\[id\.x\] = y\[id\.x\]/);
});

test("a grid that exceeds the limit of a dimension is rejected, not dropped", async () => {
  const wide = { ...scale, workgroups: () => [65_536, 1, 1] as const };
  await expect(
    run(await testDevice(), wide, [new Float32Array(4), { output: 4 }], { count: 4, factor: 1 }),
  ).rejects.toThrow(/65536 x 1 x 1/);
});

test("a missing resource is rejected with the number of bindings", async () => {
  await expect(
    run(await testDevice(), scale, [new Float32Array(4)], { count: 4, factor: 1 }),
  ).rejects.toThrow(/has 3 bindings \(0, 1, 2\), given 2/);
});
