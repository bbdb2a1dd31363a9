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
    let i9 = min(column4 + lane, n1 - 1u);
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
    let i60 = column4 + lane;
    if (i60 < n1) {
      let i61 = i60 % 9u;
      let q62 = i60 / 9u;
      let i63 = q62 % 9u;
      let q64 = q62 / 9u;
      let i65 = row3 + 0u;
      let k68 = q64 * 324u + i63 * 9u + i61;
       {
        let v66 = t2[i65];
        let v67 = max((c19 + v66), 0.0f);
        t3[k68 + i65 * 81u] = v67;
      }
      let i69 = row3 + 1u;
       {
        let v70 = t2[i69];
        let v71 = max((c21 + v70), 0.0f);
        t3[k68 + i69 * 81u] = v71;
      }
      let i72 = row3 + 2u;
       {
        let v73 = t2[i72];
        let v74 = max((c23 + v73), 0.0f);
        t3[k68 + i72 * 81u] = v74;
      }
      let i75 = row3 + 3u;
       {
        let v76 = t2[i75];
        let v77 = max((c25 + v76), 0.0f);
        t3[k68 + i75 * 81u] = v77;
      }
    }
    let i78 = column4 + lane + 1u * 64u;
    if (i78 < n1) {
      let i79 = i78 % 9u;
      let q80 = i78 / 9u;
      let i81 = q80 % 9u;
      let q82 = q80 / 9u;
      let i83 = row3 + 0u;
      let k86 = q82 * 324u + i81 * 9u + i79;
       {
        let v84 = t2[i83];
        let v85 = max((c20 + v84), 0.0f);
        t3[k86 + i83 * 81u] = v85;
      }
      let i87 = row3 + 1u;
       {
        let v88 = t2[i87];
        let v89 = max((c22 + v88), 0.0f);
        t3[k86 + i87 * 81u] = v89;
      }
      let i90 = row3 + 2u;
       {
        let v91 = t2[i90];
        let v92 = max((c24 + v91), 0.0f);
        t3[k86 + i90 * 81u] = v92;
      }
      let i93 = row3 + 3u;
       {
        let v94 = t2[i93];
        let v95 = max((c26 + v94), 0.0f);
        t3[k86 + i93 * 81u] = v95;
      }
    }
  }
}
