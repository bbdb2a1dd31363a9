// contract_add
enable subgroups;
// contract: 16 x 2 results an invocation, 8 lanes along the columns, rows shared by subgroup broadcast

override n0: u32; // ((batch + 15) // 16)
override n1: u32; // batch
@group(0) @binding(0) var<storage, read> t1: array<f32>;
@group(0) @binding(1) var<storage, read> t0: array<f32>;
@group(0) @binding(2) var<storage, read> t2: array<f32>;
@group(0) @binding(3) var<storage, read_write> t3: array<f32>;

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(subgroup_invocation_id) sublane: u32, @builtin(local_invocation_index) lane: u32) {
  let g0 = group.x + group.y * groups.x;
  if (g0 < n0) {
    let g1 = g0 % max(n0, 1u);
    let g2 = g0 / max(n0, 1u);
    let row3 = g1 * 16u;
    let column4 = 0u;
    let i5 = min(row3 + sublane + 0u, n1 - 1u);
    let i6 = min(row3 + sublane + 8u, n1 - 1u);
    let i7 = min(column4 + lane, 9u);
    let i8 = min(column4 + lane + 1u * 8u, 9u);
    var c9 = 0.0f;
    var c10 = 0.0f;
    var c11 = 0.0f;
    var c12 = 0.0f;
    var c13 = 0.0f;
    var c14 = 0.0f;
    var c15 = 0.0f;
    var c16 = 0.0f;
    var c17 = 0.0f;
    var c18 = 0.0f;
    var c19 = 0.0f;
    var c20 = 0.0f;
    var c21 = 0.0f;
    var c22 = 0.0f;
    var c23 = 0.0f;
    var c24 = 0.0f;
    var c25 = 0.0f;
    var c26 = 0.0f;
    var c27 = 0.0f;
    var c28 = 0.0f;
    var c29 = 0.0f;
    var c30 = 0.0f;
    var c31 = 0.0f;
    var c32 = 0.0f;
    var c33 = 0.0f;
    var c34 = 0.0f;
    var c35 = 0.0f;
    var c36 = 0.0f;
    var c37 = 0.0f;
    var c38 = 0.0f;
    var c39 = 0.0f;
    var c40 = 0.0f;
    let k42 = i7 * 784u;
    let k44 = i8 * 784u;
    let k46 = i5 * 784u;
    let k48 = i6 * 784u;
    for (var i41 = 0u; i41 < 784u + group.z; i41++) {
      let v43 = t1[k42 + i41];
      let v45 = t1[k44 + i41];
      let v47 = t0[k46 + i41];
      let v49 = t0[k48 + i41];
      let v50 = subgroupBroadcast(v47, 0u);
      c9 = fma(v50, v43, c9);
      c10 = fma(v50, v45, c10);
      let v51 = subgroupBroadcast(v47, 1u);
      c11 = fma(v51, v43, c11);
      c12 = fma(v51, v45, c12);
      let v52 = subgroupBroadcast(v47, 2u);
      c13 = fma(v52, v43, c13);
      c14 = fma(v52, v45, c14);
      let v53 = subgroupBroadcast(v47, 3u);
      c15 = fma(v53, v43, c15);
      c16 = fma(v53, v45, c16);
      let v54 = subgroupBroadcast(v47, 4u);
      c17 = fma(v54, v43, c17);
      c18 = fma(v54, v45, c18);
      let v55 = subgroupBroadcast(v47, 5u);
      c19 = fma(v55, v43, c19);
      c20 = fma(v55, v45, c20);
      let v56 = subgroupBroadcast(v47, 6u);
      c21 = fma(v56, v43, c21);
      c22 = fma(v56, v45, c22);
      let v57 = subgroupBroadcast(v47, 7u);
      c23 = fma(v57, v43, c23);
      c24 = fma(v57, v45, c24);
      let v58 = subgroupBroadcast(v49, 0u);
      c25 = fma(v58, v43, c25);
      c26 = fma(v58, v45, c26);
      let v59 = subgroupBroadcast(v49, 1u);
      c27 = fma(v59, v43, c27);
      c28 = fma(v59, v45, c28);
      let v60 = subgroupBroadcast(v49, 2u);
      c29 = fma(v60, v43, c29);
      c30 = fma(v60, v45, c30);
      let v61 = subgroupBroadcast(v49, 3u);
      c31 = fma(v61, v43, c31);
      c32 = fma(v61, v45, c32);
      let v62 = subgroupBroadcast(v49, 4u);
      c33 = fma(v62, v43, c33);
      c34 = fma(v62, v45, c34);
      let v63 = subgroupBroadcast(v49, 5u);
      c35 = fma(v63, v43, c35);
      c36 = fma(v63, v45, c36);
      let v64 = subgroupBroadcast(v49, 6u);
      c37 = fma(v64, v43, c37);
      c38 = fma(v64, v45, c38);
      let v65 = subgroupBroadcast(v49, 7u);
      c39 = fma(v65, v43, c39);
      c40 = fma(v65, v45, c40);
    }
    let i66 = column4 + lane;
    if (i66 < 10u) {
      var sums67 = array<f32, 16>(c9, c11, c13, c15, c17, c19, c21, c23, c25, c27, c29, c31, c33, c35, c37, c39);
      let v71 = t2[i66];
      for (var i68 = 0u; i68 < 16u + group.z; i68++) {
        let i69 = row3 + i68;
        if (i69 < n1) {
          let v70 = sums67[i68];
          let v72 = v70 + v71;
          t3[i66 + i69 * 10u] = v72;
        }
      }
    }
    let i73 = column4 + lane + 1u * 8u;
    if (i73 < 10u) {
      var sums74 = array<f32, 16>(c10, c12, c14, c16, c18, c20, c22, c24, c26, c28, c30, c32, c34, c36, c38, c40);
      let v78 = t2[i73];
      for (var i75 = 0u; i75 < 16u + group.z; i75++) {
        let i76 = row3 + i75;
        if (i76 < n1) {
          let v77 = sums74[i75];
          let v79 = v77 + v78;
          t3[i73 + i76 * 10u] = v79;
        }
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

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let g0 = group.x + group.y * groups.x;
  let e1 = g0 * 8u + lane;
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
// row: one lane a row

override n0: u32; // batch
@group(0) @binding(0) var<storage, read> t0: array<f32>;
@group(0) @binding(1) var<storage, read_write> t1: array<f32>;

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let g0 = group.x + group.y * groups.x;
  let e1 = g0 * 8u + lane;
  if (e1 < 10u) {
    var a2: f32 = 0.0f;
    for (var i3 = 0u; i3 < n0 + group.z; i3++) {
      let v4 = t0[e1 + i3 * 10u];
      a2 = a2 + v4;
    }
    t1[e1] = a2;
  }
}

// contract_reshape
enable subgroups;
// contract: 10 x 1 vectors of 4 results an invocation, 8 lanes along the columns, rows shared by subgroup broadcast

override n0: u32; // batch
@group(0) @binding(0) var<storage, read> t0: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> t1: array<f32>;
@group(0) @binding(2) var<storage, read_write> t2: array<vec4<f32>>;

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(subgroup_invocation_id) sublane: u32, @builtin(local_invocation_index) lane: u32) {
  let g0 = group.x + group.y * groups.x;
  if (g0 < 25u) {
    let g1 = g0 % 25u;
    let g2 = g0 / 25u;
    let row3 = 0u;
    let column4 = g1 * 32u;
    let i5 = row3 + sublane + 0u;
    let i6 = row3 + sublane + 8u;
    let i7 = min(column4 + lane * 4u, 780u);
    var c8 = vec4f();
    var c9 = vec4f();
    var c10 = vec4f();
    var c11 = vec4f();
    var c12 = vec4f();
    var c13 = vec4f();
    var c14 = vec4f();
    var c15 = vec4f();
    var c16 = vec4f();
    var c17 = vec4f();
    for (var i18 = 0u; i18 < n0 + group.z; i18++) {
      let v19 = t0[(i7 + i18 * 784u) / 4u];
      let v20 = t1[i5 + i18 * 10u];
      let v21 = t1[i6 + i18 * 10u];
      let v22 = subgroupBroadcast(v20, 0u);
      c8 = fma(vec4f(v22), v19, c8);
      let v23 = subgroupBroadcast(v20, 1u);
      c9 = fma(vec4f(v23), v19, c9);
      let v24 = subgroupBroadcast(v20, 2u);
      c10 = fma(vec4f(v24), v19, c10);
      let v25 = subgroupBroadcast(v20, 3u);
      c11 = fma(vec4f(v25), v19, c11);
      let v26 = subgroupBroadcast(v20, 4u);
      c12 = fma(vec4f(v26), v19, c12);
      let v27 = subgroupBroadcast(v20, 5u);
      c13 = fma(vec4f(v27), v19, c13);
      let v28 = subgroupBroadcast(v20, 6u);
      c14 = fma(vec4f(v28), v19, c14);
      let v29 = subgroupBroadcast(v20, 7u);
      c15 = fma(vec4f(v29), v19, c15);
      let v30 = subgroupBroadcast(v21, 0u);
      c16 = fma(vec4f(v30), v19, c16);
      let v31 = subgroupBroadcast(v21, 1u);
      c17 = fma(vec4f(v31), v19, c17);
    }
    let i33 = column4 + lane * 4u;
    if (i33 < 784u) {
      var sums34 = array<vec4f, 10>(c8, c9, c10, c11, c12, c13, c14, c15, c16, c17);
      for (var i35 = 0u; i35 < 10u + group.z; i35++) {
        let i36 = row3 + i35;
         {
          let v37 = sums34[i35];
          t2[(i33 + i36 * 784u) / 4u] = vec4<f32>(v37.x, v37.y, v37.z, v37.w);
        }
      }
    }
  }
}

// row_reduce_sum_div_neg
// row: one lane a row

override n0: u32; // batch
@group(0) @binding(0) var<storage, read> t0: array<f32>;
@group(0) @binding(1) var<storage, read> t1: array<f32>;
@group(0) @binding(2) var<storage, read_write> t2: array<f32>;
@group(0) @binding(3) var<storage, read_write> t3: array<f32>;

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let g0 = group.x + group.y * groups.x;
  let e1 = g0 * 8u + lane;
  let v7 = i32(n0);
  let v8 = f32(v7);
  if (e1 < 1u) {
    var a2: f32 = 0.0f;
    var a3: f32 = 0.0f;
    for (var i4 = 0u; i4 < n0 + group.z; i4++) {
      let v5 = t0[i4];
      a2 = a2 + v5;
      let v6 = t1[i4];
      a3 = a3 + v6;
    }
    let v9 = a2 / v8;
    let v10 = -(a3 / v8);
    t2[0u] = v9;
    t3[0u] = v10;
  }
}
