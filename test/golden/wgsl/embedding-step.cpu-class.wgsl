// row_reduce_sum_gather_mul_sub_and_more
// row: one lane a row

override n0: u32; // T*batch
override n1: u32; // 16*T*batch
@group(0) @binding(0) var<storage, read> t0: array<i32>;
@group(0) @binding(1) var<storage, read> t1: array<f32>;
@group(0) @binding(2) var<storage, read> t2: array<f32>;
@group(0) @binding(3) var<storage, read> t3: array<f32>;
@group(0) @binding(4) var<storage, read_write> t4: array<f32>;
@group(0) @binding(5) var<storage, read_write> t5: array<f32>;
@group(0) @binding(6) var<storage, read_write> t6: array<f32>;

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let g0 = group.x + group.y * groups.x;
  let v17 = i32(n1);
  let v18 = 1.0f / f32(v17);
  for (var s1 = 0u; s1 < 32u + group.z; s1++) {
    let e2 = (g0 * 32u + s1) * 8u + lane;
    if (e2 < n0) {
      var a3: f32 = 0.0f;
      let v5 = t0[e2];
      let k6 = u32(min(max(v5, 0i), 49i));
      let k7 = k6 * 16u;
      for (var i4 = 0u; i4 < 16u; i4++) {
        let v8 = t1[k7 + i4];
        a3 = a3 + v8;
      }
      var a9: f32 = 0.0f;
      let v12 = a3 * 0.0625f;
      for (var i10 = 0u; i10 < 16u; i10++) {
        let v11 = t1[k7 + i10];
        let v13 = v11 - v12;
        a9 = a9 + v13 * v13;
      }
      var a14: f32 = 0.0f;
      var a15: f32 = 0.0f;
      let v21 = inverseSqrt(((a9 * 0.0625f) + 0.00001f));
      for (var i16 = 0u; i16 < 16u; i16++) {
        let v19 = t1[k7 + i16];
        let v20 = v19 - v12;
        let v22 = v20 * v21;
        let v23 = t2[i16];
        let v24 = t3[i16];
        let v25 = (v22 * v23) + v24;
        let v26 = v18 * v25;
        let v27 = (v26 + v26) * v23;
        a14 = a14 + v27 * v20;
        a15 = a15 + v25 * v25;
      }
      var a28: f32 = 0.0f;
      let v38 = ((a14 * (-0.5f)) * (v21 * (v21 * v21))) * 0.0625f;
      for (var i29 = 0u; i29 < 16u; i29++) {
        let v30 = t1[k7 + i29];
        let v31 = v30 - v12;
        let v32 = v31 * v21;
        let v33 = t2[i29];
        let v34 = t3[i29];
        let v35 = (v32 * v33) + v34;
        let v36 = v18 * v35;
        let v37 = (v36 + v36) * v33;
        let v39 = v38 * v31;
        let v40 = ((v37 * v21) + v39) + v39;
        a28 = a28 + v40;
      }
      let k45 = e2 * 16u;
      let v54 = a28 * (-0.0625f);
      for (var i41 = 0u; i41 < 16u; i41++) {
        let v42 = t1[k7 + i41];
        let v43 = v42 - v12;
        let v44 = v43 * v21;
        let k46 = k45 + i41;
        let v47 = t2[i41];
        let v48 = t3[i41];
        let v49 = (v44 * v47) + v48;
        let v50 = v18 * v49;
        let v51 = (v50 + v50) * v47;
        let v52 = v38 * v43;
        let v53 = ((v51 * v21) + v52) + v52;
        let v55 = v53 + v54;
        t4[k46] = v44;
        t5[k46] = v55;
      }
      t6[e2] = a15;
    }
  }
}

// row_reduce_sum_mul_add_div
// row: one workgroup a row, its lanes stride over the elements and combine in a tree

override n0: u32; // T*batch
override n1: u32; // 16*T*batch
@group(0) @binding(0) var<storage, read> t0: array<f32>;
@group(0) @binding(1) var<storage, read> t1: array<f32>;
@group(0) @binding(2) var<storage, read> t2: array<f32>;
@group(0) @binding(3) var<storage, read_write> t3: array<f32>;
@group(0) @binding(4) var<storage, read_write> t4: array<f32>;
var<workgroup> shared11: array<f32, 64>;
var<workgroup> shared12: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let g0 = group.x + group.y * groups.x;
  let v4 = i32(n1);
  let v5 = 1.0f / f32(v4);
  if (g0 < 16u) {
    var a1: f32 = 0.0f;
    var a2: f32 = 0.0f;
    let v7 = t1[g0];
    let v8 = t2[g0];
    for (var e3 = lane; e3 < n0; e3 += 64u) {
      let v6 = t0[g0 + e3 * 16u];
      let v9 = v5 * ((v6 * v7) + v8);
      let v10 = v9 + v9;
      a1 = a1 + v10;
      a2 = a2 + v10 * v6;
    }
    shared11[lane] = a1;
    shared12[lane] = a2;
    workgroupBarrier();
    for (var h13 = 32u; h13 > 0u; h13 >>= 1u) {
      if (lane < h13) {
        shared11[lane] = shared11[lane] + shared11[lane + h13];
        shared12[lane] = shared12[lane] + shared12[lane + h13];
      }
      workgroupBarrier();
    }
    let a14 = shared11[0u];
    let a15 = shared12[0u];
    if (lane == 0u) {
      t3[g0] = a14;
      t4[g0] = a15;
    }
  }
}

// scatter_add.link
// scatter: links each entry to the next with its target; clears the output

override n0: u32; // T*batch
@group(0) @binding(0) var<storage, read_write> t2: array<f32>;
@group(0) @binding(1) var<storage, read> t0: array<i32>;
@group(0) @binding(2) var<storage, read_write> scratch0: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let g0 = group.x + group.y * groups.x;
  let e1 = g0 * 64u + lane;
  if (e1 < 800u) {
    t2[e1] = 0.0f;
  }
  if (e1 < n0) {
    let v2 = t0[e1];
    let v3 = min(max(v2, 0i), 49i);
    var link4 = n0;
    for (var i5 = e1 + 1u; i5 < n0; i5++) {
      let v6 = t0[i5];
      let v7 = min(max(v6, 0i), 49i);
      if (v7 == v3) {
        link4 = i5;
        break;
      }
    }
    var head8 = 0x80000000u;
    for (var i9 = 0u; i9 < e1; i9++) {
      let v10 = t0[i9];
      let v11 = min(max(v10, 0i), 49i);
      if (v11 == v3) {
        head8 = 0u;
        break;
      }
    }
    scratch0[e1] = link4 | head8;
  }
}

// scatter_add.walk
// scatter: the first entry of each chain adds the updates of all of it

override n0: u32; // 16*T*batch
override n1: u32; // T*batch
@group(0) @binding(0) var<storage, read> scratch0: array<u32>;
@group(0) @binding(1) var<storage, read> t0: array<i32>;
@group(0) @binding(2) var<storage, read> t1: array<f32>;
@group(0) @binding(3) var<storage, read_write> t2: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let g0 = group.x + group.y * groups.x;
  let e1 = g0 * 64u + lane;
  if (e1 < n0) {
    let i2 = e1 % 16u;
    let q3 = e1 / 16u;
    var link4 = scratch0[q3];
    let v6 = t0[q3];
    let v7 = min(max(v6, 0i), 49i);
    if ((link4 & 0x80000000u) != 0u) {
      let k5 = u32(v7);
      var a8: f32 = 0.0f;
      var i9 = q3;
      while (i9 < n1) {
        let v10 = t1[i2 + i9 * 16u];
        a8 += v10;
        i9 = scratch0[i9] & ~0x80000000u;
      }
      if (k5 < 50u) {
        t2[(k5) * 16u + i2] = a8;
      }
    }
  }
}

// row_reduce_sum_div
// row: one workgroup a row, its lanes stride over the elements and combine in a tree

override n0: u32; // T*batch
override n1: u32; // 16*T*batch
@group(0) @binding(0) var<storage, read> t0: array<f32>;
@group(0) @binding(1) var<storage, read_write> t1: array<f32>;
var<workgroup> shared4: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let g0 = group.x + group.y * groups.x;
  let v7 = i32(n1);
  let v8 = f32(v7);
  if (g0 < 1u) {
    var a1: f32 = 0.0f;
    for (var e2 = lane; e2 < n0; e2 += 64u) {
      let v3 = t0[e2];
      a1 = a1 + v3;
    }
    shared4[lane] = a1;
    workgroupBarrier();
    for (var h5 = 32u; h5 > 0u; h5 >>= 1u) {
      if (lane < h5) {
        shared4[lane] = shared4[lane] + shared4[lane + h5];
      }
      workgroupBarrier();
    }
    let a6 = shared4[0u];
    let v9 = a6 / v8;
    if (lane == 0u) {
      t1[0u] = v9;
    }
  }
}
