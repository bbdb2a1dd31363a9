// map_add_mul_sqrt_exp_and_more
// map: one lane an element

override n0: u32; // N
@group(0) @binding(0) var<storage, read_write> t0: array<f32>;
@group(0) @binding(1) var<storage, read> t1: array<f32>;
@group(0) @binding(2) var<storage, read_write> t2: array<f32>;
@group(0) @binding(3) var<storage, read_write> t3: array<f32>;
@group(0) @binding(4) var<storage, read> t4: array<f32>;
@group(0) @binding(5) var<storage, read> t5: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let g0 = group.x + group.y * groups.x;
  let e1 = g0 * 64u + lane;
  let v8 = t4[0u];
  let v9 = t5[0u];
  let v10 = v8 / (1.0f - exp(max((v9 * (-0.105360515f)), -126.0f)));
  let v11 = sqrt((1.0f - exp(max((v9 * (-0.0010005003f)), -126.0f))));
  if (e1 < n0) {
    let v2 = t0[e1];
    let v3 = t1[e1];
    let v4 = (v2 * 0.9f) + (v3 * 0.1f);
    let v5 = t2[e1];
    let v6 = (v5 * 0.999f) + ((v3 * v3) * 0.001f);
    let v7 = t3[e1];
    let v12 = v7 - ((v10 * v4) / ((sqrt(v6) / v11) + 1e-8f));
    t0[e1] = v4;
    t2[e1] = v6;
    t3[e1] = v12;
  }
}
