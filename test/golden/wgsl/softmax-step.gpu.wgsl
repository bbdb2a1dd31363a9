// contract_add
// contract: 4 x 1 results an invocation, 64 lanes along the columns

override n0: u32; // ((batch + 3) // 4)
override n1: u32; // batch
@group(0) @binding(0) var<storage, read> t1: array<f32>;
@group(0) @binding(1) var<storage, read> t0: array<f32>;
@group(0) @binding(2) var<storage, read> t2: array<f32>;
@group(0) @binding(3) var<storage, read_write> t3: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let g0 = group.x + group.y * groups.x;
  if (g0 < n0) {
    let g1 = g0 % max(n0, 1u);
    let g2 = g0 / max(n0, 1u);
    let row3 = g1 * 4u;
    let column4 = 0u;
    let i5 = min(row3 + 0u, n1 - 1u);
    let i6 = min(row3 + 1u, n1 - 1u);
    let i7 = min(row3 + 2u, n1 - 1u);
    let i8 = min(row3 + 3u, n1 - 1u);
    let i9 = min(column4 + lane, 9u);
    var c10 = 0.0f;
    var c11 = 0.0f;
    var c12 = 0.0f;
    var c13 = 0.0f;
    let k15 = i9 * 784u;
    let k17 = i5 * 784u;
    let k19 = i6 * 784u;
    let k21 = i7 * 784u;
    let k23 = i8 * 784u;
    for (var i14 = 0u; i14 < 784u; i14++) {
      let v16 = t1[k15 + i14];
      let v18 = t0[k17 + i14];
      let v20 = t0[k19 + i14];
      let v22 = t0[k21 + i14];
      let v24 = t0[k23 + i14];
      c10 = fma(v18, v16, c10);
      c11 = fma(v20, v16, c11);
      c12 = fma(v22, v16, c12);
      c13 = fma(v24, v16, c13);
    }
    let i25 = column4 + lane;
    if (i25 < 10u) {
      let i26 = row3 + 0u;
      let v27 = t2[i25];
      if (i26 < n1) {
        let v28 = c10 + v27;
        t3[i25 + i26 * 10u] = v28;
      }
      let i29 = row3 + 1u;
      if (i29 < n1) {
        let v30 = c11 + v27;
        t3[i25 + i29 * 10u] = v30;
      }
      let i31 = row3 + 2u;
      if (i31 < n1) {
        let v32 = c12 + v27;
        t3[i25 + i31 * 10u] = v32;
      }
      let i33 = row3 + 3u;
      if (i33 < n1) {
        let v34 = c13 + v27;
        t3[i25 + i33 * 10u] = v34;
      }
    }
  }
}

// row_reduce_max_reduce_sum_argmax_sub_and_more
// row: one lane a row

override n0: u32; // batch
@group(0) @binding(0) var<storage, read> t0: array<f32>;
@group(0) @binding(1) var<storage, read> t1: array<i32>;
@group(0) @binding(2) var<storage, read_write> t2: array<f32>;
@group(0) @binding(3) var<storage, read_write> t3: array<f32>;
@group(0) @binding(4) var<storage, read_write> t4: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let g0 = group.x + group.y * groups.x;
  let e1 = g0 * 64u + lane;
  let v13 = i32(n0);
  let v14 = (-1.0f) / f32(v13);
  if (e1 < n0) {
    var a2: f32 = (-0x1.fffffep+127f);
    var a3: f32 = (-0x1.fffffep+127f);
    var p4 = 0x7fffffffu;
    var a5: f32 = 0.0f;
    var c6 = 0u;
    let k8 = e1 * 10u;
    let v11 = t1[e1];
    for (var i7 = 0u; i7 < 10u; i7++) {
      let k9 = k8 + i7;
      let v10 = t0[k9];
      a2 = max(a2, v10);
      if (v10 > a3 || (v10 == a3 && c6 < p4)) {
        a3 = v10;
        p4 = c6;
      }
      let v12 = v11 == i32(i7);
      let v15 = select(0.0f, v14, v12);
      a5 = a5 + v15;
      c6++;
    }
    var a16: f32 = 0.0f;
    for (var i17 = 0u; i17 < 10u; i17++) {
      let k18 = k8 + i17;
      let v19 = t0[k18];
      let v20 = v19 - a2;
      let v21 = exp(max(v20, -126.0f));
      a16 = a16 + v21;
    }
    var a22: f32 = 0.0f;
    let v28 = log(a16);
    for (var i23 = 0u; i23 < 10u; i23++) {
      let v24 = v11 == i32(i23);
      let k25 = k8 + i23;
      let v26 = t0[k25];
      let v27 = v26 - a2;
      a22 = a22 + select(0.0f, (v27 - v28), v24);
    }
    let v32 = -(a5 / a16);
    for (var i29 = 0u; i29 < 10u; i29++) {
      let v30 = v11 == i32(i29);
      let v31 = select(0.0f, v14, v30);
      let k33 = k8 + i29;
      let v34 = t0[k33];
      let v35 = v34 - a2;
      let v36 = exp(max(v35, -126.0f));
      let v37 = v31 + (v32 * v36);
      t2[k33] = v37;
    }
    let v38 = select(0.0f, 1.0f, (i32(select(p4, 0u, p4 == 0x7fffffffu)) == v11));
    t3[e1] = v38;
    t4[e1] = a22;
  }
}

// row_reduce_sum
// row: one workgroup a row, its lanes stride over the elements and combine in a tree

override n0: u32; // batch
@group(0) @binding(0) var<storage, read> t0: array<f32>;
@group(0) @binding(1) var<storage, read_write> t1: array<f32>;
var<workgroup> shared4: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let g0 = group.x + group.y * groups.x;
  if (g0 < 10u) {
    var a1: f32 = 0.0f;
    for (var e2 = lane; e2 < n0; e2 += 64u) {
      let v3 = t0[g0 + e2 * 10u];
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
    if (lane == 0u) {
      t1[g0] = a6;
    }
  }
}

// contract_reshape
// contract: 4 x 2 results an invocation, 64 lanes along the columns

override n0: u32; // batch
@group(0) @binding(0) var<storage, read> t0: array<f32>;
@group(0) @binding(1) var<storage, read> t1: array<f32>;
@group(0) @binding(2) var<storage, read_write> t2: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let g0 = group.x + group.y * groups.x;
  if (g0 < 21u) {
    let g1 = g0 % 3u;
    let g2 = g0 / 3u;
    let g3 = g2 % 7u;
    let g4 = g2 / 7u;
    let row5 = g1 * 4u;
    let column6 = g3 * 128u;
    let i7 = min(row5 + 0u, 9u);
    let i8 = min(row5 + 1u, 9u);
    let i9 = min(row5 + 2u, 9u);
    let i10 = min(row5 + 3u, 9u);
    let i11 = min(column6 + lane, 783u);
    let i12 = min(column6 + lane + 1u * 64u, 783u);
    var c13 = 0.0f;
    var c14 = 0.0f;
    var c15 = 0.0f;
    var c16 = 0.0f;
    var c17 = 0.0f;
    var c18 = 0.0f;
    var c19 = 0.0f;
    var c20 = 0.0f;
    for (var i21 = 0u; i21 < n0 + group.z; i21++) {
      let v22 = t0[i11 + i21 * 784u];
      let v23 = t0[i12 + i21 * 784u];
      let v24 = t1[i7 + i21 * 10u];
      let v25 = t1[i8 + i21 * 10u];
      let v26 = t1[i9 + i21 * 10u];
      let v27 = t1[i10 + i21 * 10u];
      c13 = fma(v24, v22, c13);
      c14 = fma(v24, v23, c14);
      c15 = fma(v25, v22, c15);
      c16 = fma(v25, v23, c16);
      c17 = fma(v26, v22, c17);
      c18 = fma(v26, v23, c18);
      c19 = fma(v27, v22, c19);
      c20 = fma(v27, v23, c20);
    }
    let i28 = column6 + lane;
    if (i28 < 784u) {
      let i29 = row5 + 0u;
      if (i29 < 10u) {
        t2[i28 + i29 * 784u] = c13;
      }
      let i30 = row5 + 1u;
      if (i30 < 10u) {
        t2[i28 + i30 * 784u] = c15;
      }
      let i31 = row5 + 2u;
      if (i31 < 10u) {
        t2[i28 + i31 * 784u] = c17;
      }
      let i33 = row5 + 3u;
      if (i33 < 10u) {
        t2[i28 + i33 * 784u] = c19;
      }
    }
    let i34 = column6 + lane + 1u * 64u;
    if (i34 < 784u) {
      let i35 = row5 + 0u;
      if (i35 < 10u) {
        t2[i34 + i35 * 784u] = c14;
      }
      let i36 = row5 + 1u;
      if (i36 < 10u) {
        t2[i34 + i36 * 784u] = c16;
      }
      let i37 = row5 + 2u;
      if (i37 < 10u) {
        t2[i34 + i37 * 784u] = c18;
      }
      let i38 = row5 + 3u;
      if (i38 < 10u) {
        t2[i34 + i38 * 784u] = c20;
      }
    }
  }
}

// row_reduce_sum_div_neg
// row: one workgroup a row, its lanes stride over the elements and combine in a tree

override n0: u32; // batch
@group(0) @binding(0) var<storage, read> t0: array<f32>;
@group(0) @binding(1) var<storage, read> t1: array<f32>;
@group(0) @binding(2) var<storage, read_write> t2: array<f32>;
@group(0) @binding(3) var<storage, read_write> t3: array<f32>;
var<workgroup> shared6: array<f32, 64>;
var<workgroup> shared7: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let g0 = group.x + group.y * groups.x;
  let v11 = i32(n0);
  let v12 = f32(v11);
  if (g0 < 1u) {
    var a1: f32 = 0.0f;
    var a2: f32 = 0.0f;
    for (var e3 = lane; e3 < n0; e3 += 64u) {
      let v4 = t0[e3];
      a1 = a1 + v4;
      let v5 = t1[e3];
      a2 = a2 + v5;
    }
    shared6[lane] = a1;
    shared7[lane] = a2;
    workgroupBarrier();
    for (var h8 = 32u; h8 > 0u; h8 >>= 1u) {
      if (lane < h8) {
        shared6[lane] = shared6[lane] + shared6[lane + h8];
        shared7[lane] = shared7[lane] + shared7[lane + h8];
      }
      workgroupBarrier();
    }
    let a9 = shared6[0u];
    let a10 = shared7[0u];
    let v13 = a9 / v12;
    let v14 = -(a10 / v12);
    if (lane == 0u) {
      t2[0u] = v13;
      t3[0u] = v14;
    }
  }
}
