// contract_add_maximum
// contract: 4 x 2 results an invocation, 64 lanes along the columns

override n0: u32; // ((81*batch + 127) // 128)
override n1: u32; // 81*batch
@group(0) @binding(0) var<storage, read> t0: array<f32>;
@group(0) @binding(1) var<storage, read> t1: array<f32>;
@group(0) @binding(2) var<storage, read> t2: array<f32>;
@group(0) @binding(3) var<storage, read_write> t3: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let g0 = group.x + group.y * groups.x;
  if (g0 < n0) {
    let g1 = g0 % max(n0, 1u);
    let g2 = g0 / max(n0, 1u);
    let row3 = 0u;
    let column4 = g1 * 128u;
    let i5 = row3 + 0u;
    let i6 = row3 + 1u;
    let i7 = row3 + 2u;
    let i8 = row3 + 3u;
    let i9 = min(column4 + lane + 0u, n1 - 1u);
    let i10 = i9 % 9u;
    let q11 = i9 / 9u;
    let i12 = q11 % 9u;
    let q13 = q11 / 9u;
    let i14 = min(column4 + lane + 1u * 64u, n1 - 1u);
    let i15 = i14 % 9u;
    let q16 = i14 / 9u;
    let i17 = q16 % 9u;
    let q18 = q16 / 9u;
    var c19 = 0.0f;
    var c20 = 0.0f;
    var c21 = 0.0f;
    var c22 = 0.0f;
    var c23 = 0.0f;
    var c24 = 0.0f;
    var c25 = 0.0f;
    var c26 = 0.0f;
    let k32 = q13 * 243u + i12 * 9u + i10;
    let k39 = q18 * 243u + i17 * 9u + i15;
    let k44 = i5 * 27u;
    let k48 = i6 * 27u;
    let k52 = i7 * 27u;
    let k56 = i8 * 27u;
    for (var i27 = 0u; i27 < 3u; i27++) {
      let k33 = k32 + i27 * 81u;
      let k40 = k39 + i27 * 81u;
      let k45 = k44 + i27 * 9u;
      let k49 = k48 + i27 * 9u;
      let k53 = k52 + i27 * 9u;
      let k57 = k56 + i27 * 9u;
      for (var i28 = 0u; i28 < 3u; i28++) {
        let k30 = i12 + i28 - 1u;
        let k34 = k33 + i28 * 9u;
        let k37 = i17 + i28 - 1u;
        let k41 = k40 + i28 * 9u;
        let k46 = k45 + i28 * 3u;
        let k50 = k49 + i28 * 3u;
        let k54 = k53 + i28 * 3u;
        let k58 = k57 + i28 * 3u;
        for (var i29 = 0u; i29 < 3u; i29++) {
          var v31 = 0.0f;
          let k35 = k34 + i29 - 10u;
          if (k30 < 9u && (i10 + i29 - 1u) < 9u) {
            let v36 = t0[k35];
            v31 = v36;
          }
          var v38 = 0.0f;
          let k42 = k41 + i29 - 10u;
          if (k37 < 9u && (i15 + i29 - 1u) < 9u) {
            let v43 = t0[k42];
            v38 = v43;
          }
          let v47 = t1[k46 + i29];
          let v51 = t1[k50 + i29];
          let v55 = t1[k54 + i29];
          let v59 = t1[k58 + i29];
          c19 = fma(v47, v31, c19);
          c20 = fma(v47, v38, c20);
          c21 = fma(v51, v31, c21);
          c22 = fma(v51, v38, c22);
          c23 = fma(v55, v31, c23);
          c24 = fma(v55, v38, c24);
          c25 = fma(v59, v31, c25);
          c26 = fma(v59, v38, c26);
        }
      }
    }
    let i60 = row3 + 0u;
     {
      let i61 = column4 + lane + 0u;
      let v66 = t2[i60];
      let k68 = i60 * 81u;
      if (i61 < n1) {
        let i62 = i61 % 9u;
        let q63 = i61 / 9u;
        let i64 = q63 % 9u;
        let q65 = q63 / 9u;
        let v67 = max((c19 + v66), 0.0f);
        t3[k68 + q65 * 324u + i64 * 9u + i62] = v67;
      }
      let i69 = column4 + lane + 1u * 64u;
      if (i69 < n1) {
        let i70 = i69 % 9u;
        let q71 = i69 / 9u;
        let i72 = q71 % 9u;
        let q73 = q71 / 9u;
        let v74 = max((c20 + v66), 0.0f);
        t3[k68 + q73 * 324u + i72 * 9u + i70] = v74;
      }
    }
    let i75 = row3 + 1u;
     {
      let i76 = column4 + lane + 0u;
      let v81 = t2[i75];
      let k83 = i75 * 81u;
      if (i76 < n1) {
        let i77 = i76 % 9u;
        let q78 = i76 / 9u;
        let i79 = q78 % 9u;
        let q80 = q78 / 9u;
        let v82 = max((c21 + v81), 0.0f);
        t3[k83 + q80 * 324u + i79 * 9u + i77] = v82;
      }
      let i84 = column4 + lane + 1u * 64u;
      if (i84 < n1) {
        let i85 = i84 % 9u;
        let q86 = i84 / 9u;
        let i87 = q86 % 9u;
        let q88 = q86 / 9u;
        let v89 = max((c22 + v81), 0.0f);
        t3[k83 + q88 * 324u + i87 * 9u + i85] = v89;
      }
    }
    let i90 = row3 + 2u;
     {
      let i91 = column4 + lane + 0u;
      let v96 = t2[i90];
      let k98 = i90 * 81u;
      if (i91 < n1) {
        let i92 = i91 % 9u;
        let q93 = i91 / 9u;
        let i94 = q93 % 9u;
        let q95 = q93 / 9u;
        let v97 = max((c23 + v96), 0.0f);
        t3[k98 + q95 * 324u + i94 * 9u + i92] = v97;
      }
      let i99 = column4 + lane + 1u * 64u;
      if (i99 < n1) {
        let i100 = i99 % 9u;
        let q101 = i99 / 9u;
        let i102 = q101 % 9u;
        let q103 = q101 / 9u;
        let v104 = max((c24 + v96), 0.0f);
        t3[k98 + q103 * 324u + i102 * 9u + i100] = v104;
      }
    }
    let i105 = row3 + 3u;
     {
      let i106 = column4 + lane + 0u;
      let v111 = t2[i105];
      let k113 = i105 * 81u;
      if (i106 < n1) {
        let i107 = i106 % 9u;
        let q108 = i106 / 9u;
        let i109 = q108 % 9u;
        let q110 = q108 / 9u;
        let v112 = max((c25 + v111), 0.0f);
        t3[k113 + q110 * 324u + i109 * 9u + i107] = v112;
      }
      let i114 = column4 + lane + 1u * 64u;
      if (i114 < n1) {
        let i115 = i114 % 9u;
        let q116 = i114 / 9u;
        let i117 = q116 % 9u;
        let q118 = q116 / 9u;
        let v119 = max((c26 + v111), 0.0f);
        t3[k113 + q118 * 324u + i117 * 9u + i115] = v119;
      }
    }
  }
}
