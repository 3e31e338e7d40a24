// The sum of a number over the threads of a workgroup, in f32. Every thread receives it.
//
// Given  local, lanes (subgroups: the subgroup's size)     own, the thread's f32
// Makes  total

// #section subgroups.sum-declare
// Sums of subgroups: {SUMS} at most. Where subgroups are larger than the smallest, the others stay 0.
var<workgroup> partial: array<f32, {SUMS}>;

// #section subgroups.sum
let subgroup_sum = subgroupAdd(own);
if (local % lanes == 0u) { partial[local / lanes] = subgroup_sum; }
workgroupBarrier();
let total =
// #join + i < SUMS
  partial[{i}]
// #end
;

// #section threads.sum-declare
var<workgroup> partial: array<f32, {WG}>;
var<workgroup> totals: array<f32, {SUMS}>;

// #section threads.sum
partial[local] = own;
workgroupBarrier();
if (local < {SUMS}u) {
  totals[local] =
// #join + i < SUMMANDS
    partial[local + {i}u * {SUMS}u]
// #end
  ;
}
workgroupBarrier();
let total =
// #join + i < SUMS
  totals[{i}]
// #end
;
