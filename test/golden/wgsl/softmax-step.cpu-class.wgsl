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
    let i7 = min(column4 + lane + 0u, 9u);
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
    for (var i41 = 0u; i41 < 784u; i41++) {
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
    var sums66 = array<f32, 32>(c9, c10, c11, c12, c13, c14, c15, c16, c17, c18, c19, c20, c21, c22, c23, c24, c25, c26, c27, c28, c29, c30, c31, c32, c33, c34, c35, c36, c37, c38, c39, c40);
    for (var i67 = 0u; i67 < 16u; i67++) {
      let i68 = row3 + i67;
      if (i68 < n1) {
        let k74 = i68 * 10u;
        for (var i69 = 0u; i69 < 2u; i69++) {
          let i70 = column4 + lane + i69 * 8u;
          if (i70 < 10u) {
            let v71 = sums66[i67 * 2u + i69];
            let v72 = t2[i70];
            let v73 = v71 + v72;
            t3[k74 + i70] = v73;
          }
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
// contract: 16 x 4 results an invocation, 8 lanes along the columns, rows shared by subgroup broadcast

override n0: u32; // batch
@group(0) @binding(0) var<storage, read> t0: array<f32>;
@group(0) @binding(1) var<storage, read> t1: array<f32>;
@group(0) @binding(2) var<storage, read_write> t2: array<f32>;

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(subgroup_invocation_id) sublane: u32, @builtin(local_invocation_index) lane: u32) {
  let g0 = group.x + group.y * groups.x;
  if (g0 < 25u) {
    let g1 = g0 % 25u;
    let g2 = g0 / 25u;
    let row3 = 0u;
    let column4 = g1 * 32u;
    let i5 = min(row3 + sublane + 0u, 9u);
    let i6 = min(row3 + sublane + 8u, 9u);
    let i7 = min(column4 + lane + 0u, 783u);
    let i8 = min(column4 + lane + 1u * 8u, 783u);
    let i9 = min(column4 + lane + 2u * 8u, 783u);
    let i10 = min(column4 + lane + 3u * 8u, 783u);
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
    var c41 = 0.0f;
    var c42 = 0.0f;
    var c43 = 0.0f;
    var c44 = 0.0f;
    var c45 = 0.0f;
    var c46 = 0.0f;
    var c47 = 0.0f;
    var c48 = 0.0f;
    var c49 = 0.0f;
    var c50 = 0.0f;
    var c51 = 0.0f;
    var c52 = 0.0f;
    var c53 = 0.0f;
    var c54 = 0.0f;
    var c55 = 0.0f;
    var c56 = 0.0f;
    var c57 = 0.0f;
    var c58 = 0.0f;
    var c59 = 0.0f;
    var c60 = 0.0f;
    var c61 = 0.0f;
    var c62 = 0.0f;
    var c63 = 0.0f;
    var c64 = 0.0f;
    var c65 = 0.0f;
    var c66 = 0.0f;
    var c67 = 0.0f;
    var c68 = 0.0f;
    var c69 = 0.0f;
    var c70 = 0.0f;
    var c71 = 0.0f;
    var c72 = 0.0f;
    var c73 = 0.0f;
    var c74 = 0.0f;
    for (var i75 = 0u; i75 < n0 + group.z; i75++) {
      let v76 = t0[i7 + i75 * 784u];
      let v77 = t0[i8 + i75 * 784u];
      let v78 = t0[i9 + i75 * 784u];
      let v79 = t0[i10 + i75 * 784u];
      let v80 = t1[i5 + i75 * 10u];
      let v81 = t1[i6 + i75 * 10u];
      let v82 = subgroupBroadcast(v80, 0u);
      c11 = fma(v82, v76, c11);
      c12 = fma(v82, v77, c12);
      c13 = fma(v82, v78, c13);
      c14 = fma(v82, v79, c14);
      let v83 = subgroupBroadcast(v80, 1u);
      c15 = fma(v83, v76, c15);
      c16 = fma(v83, v77, c16);
      c17 = fma(v83, v78, c17);
      c18 = fma(v83, v79, c18);
      let v84 = subgroupBroadcast(v80, 2u);
      c19 = fma(v84, v76, c19);
      c20 = fma(v84, v77, c20);
      c21 = fma(v84, v78, c21);
      c22 = fma(v84, v79, c22);
      let v85 = subgroupBroadcast(v80, 3u);
      c23 = fma(v85, v76, c23);
      c24 = fma(v85, v77, c24);
      c25 = fma(v85, v78, c25);
      c26 = fma(v85, v79, c26);
      let v86 = subgroupBroadcast(v80, 4u);
      c27 = fma(v86, v76, c27);
      c28 = fma(v86, v77, c28);
      c29 = fma(v86, v78, c29);
      c30 = fma(v86, v79, c30);
      let v87 = subgroupBroadcast(v80, 5u);
      c31 = fma(v87, v76, c31);
      c32 = fma(v87, v77, c32);
      c33 = fma(v87, v78, c33);
      c34 = fma(v87, v79, c34);
      let v88 = subgroupBroadcast(v80, 6u);
      c35 = fma(v88, v76, c35);
      c36 = fma(v88, v77, c36);
      c37 = fma(v88, v78, c37);
      c38 = fma(v88, v79, c38);
      let v89 = subgroupBroadcast(v80, 7u);
      c39 = fma(v89, v76, c39);
      c40 = fma(v89, v77, c40);
      c41 = fma(v89, v78, c41);
      c42 = fma(v89, v79, c42);
      let v90 = subgroupBroadcast(v81, 0u);
      c43 = fma(v90, v76, c43);
      c44 = fma(v90, v77, c44);
      c45 = fma(v90, v78, c45);
      c46 = fma(v90, v79, c46);
      let v91 = subgroupBroadcast(v81, 1u);
      c47 = fma(v91, v76, c47);
      c48 = fma(v91, v77, c48);
      c49 = fma(v91, v78, c49);
      c50 = fma(v91, v79, c50);
      let v92 = subgroupBroadcast(v81, 2u);
      c51 = fma(v92, v76, c51);
      c52 = fma(v92, v77, c52);
      c53 = fma(v92, v78, c53);
      c54 = fma(v92, v79, c54);
      let v93 = subgroupBroadcast(v81, 3u);
      c55 = fma(v93, v76, c55);
      c56 = fma(v93, v77, c56);
      c57 = fma(v93, v78, c57);
      c58 = fma(v93, v79, c58);
      let v94 = subgroupBroadcast(v81, 4u);
      c59 = fma(v94, v76, c59);
      c60 = fma(v94, v77, c60);
      c61 = fma(v94, v78, c61);
      c62 = fma(v94, v79, c62);
      let v95 = subgroupBroadcast(v81, 5u);
      c63 = fma(v95, v76, c63);
      c64 = fma(v95, v77, c64);
      c65 = fma(v95, v78, c65);
      c66 = fma(v95, v79, c66);
      let v96 = subgroupBroadcast(v81, 6u);
      c67 = fma(v96, v76, c67);
      c68 = fma(v96, v77, c68);
      c69 = fma(v96, v78, c69);
      c70 = fma(v96, v79, c70);
      let v97 = subgroupBroadcast(v81, 7u);
      c71 = fma(v97, v76, c71);
      c72 = fma(v97, v77, c72);
      c73 = fma(v97, v78, c73);
      c74 = fma(v97, v79, c74);
    }
    var sums98 = array<f32, 64>(c11, c12, c13, c14, c15, c16, c17, c18, c19, c20, c21, c22, c23, c24, c25, c26, c27, c28, c29, c30, c31, c32, c33, c34, c35, c36, c37, c38, c39, c40, c41, c42, c43, c44, c45, c46, c47, c48, c49, c50, c51, c52, c53, c54, c55, c56, c57, c58, c59, c60, c61, c62, c63, c64, c65, c66, c67, c68, c69, c70, c71, c72, c73, c74);
    for (var i99 = 0u; i99 < 16u; i99++) {
      let i100 = row3 + i99;
      if (i100 < 10u) {
        let k104 = i100 * 784u;
        for (var i101 = 0u; i101 < 4u; i101++) {
          let i102 = column4 + lane + i101 * 8u;
          if (i102 < 784u) {
            let v103 = sums98[i99 * 4u + i101];
            t2[k104 + i102] = v103;
          }
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
