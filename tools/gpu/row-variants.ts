/** The ways in which a workgroup may share a row's sums on a device: what its features let a kernel use. */
import { shaderFeatures, type ShaderFeatures } from "../../src/kernels/index.ts";

export function rowVariants(device: GPUDevice): { name: string; features: ShaderFeatures }[] {
  const features = shaderFeatures(device);
  const without = { name: "without subgroups", features: { ...features, subgroups: false } };
  if (!features.subgroups) return [without];
  const larger = {
    name: "subgroups larger than the smallest",
    features: { ...features, subgroupMinSize: features.subgroupMinSize / 4 },
  };
  return [{ name: "subgroups", features }, larger, without];
}
