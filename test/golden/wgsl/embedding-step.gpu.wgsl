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

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let g0 = group.x + group.y * groups.x;
  let e1 = g0 * 64u + lane;
  let v16 = i32(n1);
  let v17 = 1.0f / f32(v16);
  if (e1 < n0) {
    var a2: f32 = 0.0f;
    let v4 = t0[e1];
    let k5 = u32(min(max(v4, 0i), 49i));
    let k6 = k5 * 16u;
    for (var i3 = 0u; i3 < 16u; i3++) {
      let v7 = t1[k6 + i3];
      a2 = a2 + v7;
    }
    var a8: f32 = 0.0f;
    let v11 = a2 * 0.0625f;
    for (var i9 = 0u; i9 < 16u; i9++) {
      let v10 = t1[k6 + i9];
      let v12 = v10 - v11;
      a8 = a8 + v12 * v12;
    }
    var a13: f32 = 0.0f;
    var a14: f32 = 0.0f;
    let v20 = inverseSqrt(((a8 * 0.0625f) + 0.00001f));
    for (var i15 = 0u; i15 < 16u; i15++) {
      let v18 = t1[k6 + i15];
      let v19 = v18 - v11;
      let v21 = v19 * v20;
      let v22 = t2[i15];
      let v23 = t3[i15];
      let v24 = (v21 * v22) + v23;
      let v25 = v17 * v24;
      let v26 = (v25 + v25) * v22;
      a13 = a13 + v26 * v19;
      a14 = a14 + v24 * v24;
    }
    var a27: f32 = 0.0f;
    let v37 = ((a13 * (-0.5f)) * (v20 * (v20 * v20))) * 0.0625f;
    for (var i28 = 0u; i28 < 16u; i28++) {
      let v29 = t1[k6 + i28];
      let v30 = v29 - v11;
      let v31 = v30 * v20;
      let v32 = t2[i28];
      let v33 = t3[i28];
      let v34 = (v31 * v32) + v33;
      let v35 = v17 * v34;
      let v36 = (v35 + v35) * v32;
      let v38 = v37 * v30;
      let v39 = ((v36 * v20) + v38) + v38;
      a27 = a27 + v39;
    }
    let k44 = e1 * 16u;
    let v53 = a27 * (-0.0625f);
    for (var i40 = 0u; i40 < 16u; i40++) {
      let v41 = t1[k6 + i40];
      let v42 = v41 - v11;
      let v43 = v42 * v20;
      let k45 = k44 + i40;
      let v46 = t2[i40];
      let v47 = t3[i40];
      let v48 = (v43 * v46) + v47;
      let v49 = v17 * v48;
      let v50 = (v49 + v49) * v46;
      let v51 = v37 * v42;
      let v52 = ((v50 * v20) + v51) + v51;
      let v54 = v52 + v53;
      t4[k45] = v43;
      t5[k45] = v54;
    }
    t6[e1] = a14;
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
var<workgroup> shared11: array<f32, 256>;
var<workgroup> shared12: array<f32, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let g0 = group.x + group.y * groups.x;
  let v4 = i32(n1);
  let v5 = 1.0f / f32(v4);
  if (g0 < 16u) {
    var a1: f32 = 0.0f;
    var a2: f32 = 0.0f;
    let v7 = t1[g0];
    let v8 = t2[g0];
    for (var e3 = lane; e3 < n0; e3 += 256u) {
      let v6 = t0[g0 + e3 * 16u];
      let v9 = v5 * ((v6 * v7) + v8);
      let v10 = v9 + v9;
      a1 = a1 + v10;
      a2 = a2 + v10 * v6;
    }
    shared11[lane] = a1;
    shared12[lane] = a2;
    workgroupBarrier();
    for (var h13 = 128u; h13 > 0u; h13 >>= 1u) {
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
var<workgroup> shared4: array<f32, 256>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let g0 = group.x + group.y * groups.x;
  let v7 = i32(n1);
  let v8 = f32(v7);
  if (g0 < 1u) {
    var a1: f32 = 0.0f;
    for (var e2 = lane; e2 < n0; e2 += 256u) {
      let v3 = t0[e2];
      a1 = a1 + v3;
    }
    shared4[lane] = a1;
    workgroupBarrier();
    for (var h5 = 128u; h5 > 0u; h5 >>= 1u) {
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
