// contract_add_maximum
// contract: 4 x 4 results an invocation, 8 lanes along the columns

override n0: u32; // ((81*batch + 31) // 32)
override n1: u32; // 81*batch
@group(0) @binding(0) var<storage, read> t0: array<f32>;
@group(0) @binding(1) var<storage, read> t1: array<f32>;
@group(0) @binding(2) var<storage, read> t2: array<f32>;
@group(0) @binding(3) var<storage, read_write> t3: array<f32>;

@compute @workgroup_size(8)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let g0 = group.x + group.y * groups.x;
  if (g0 < n0) {
    let g1 = g0 % max(n0, 1u);
    let g2 = g0 / max(n0, 1u);
    let row3 = 0u;
    let column4 = g1 * 32u;
    let i5 = row3 + 0u;
    let i6 = row3 + 1u;
    let i7 = row3 + 2u;
    let i8 = row3 + 3u;
    let i9 = min(column4 + lane, n1 - 1u);
    let i10 = i9 % 9u;
    let q11 = i9 / 9u;
    let i12 = q11 % 9u;
    let q13 = q11 / 9u;
    let i14 = min(column4 + lane + 1u * 8u, n1 - 1u);
    let i15 = i14 % 9u;
    let q16 = i14 / 9u;
    let i17 = q16 % 9u;
    let q18 = q16 / 9u;
    let i19 = min(column4 + lane + 2u * 8u, n1 - 1u);
    let i20 = i19 % 9u;
    let q21 = i19 / 9u;
    let i22 = q21 % 9u;
    let q23 = q21 / 9u;
    let i24 = min(column4 + lane + 3u * 8u, n1 - 1u);
    let i25 = i24 % 9u;
    let q26 = i24 / 9u;
    let i27 = q26 % 9u;
    let q28 = q26 / 9u;
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
    let k50 = q13 * 243u + i12 * 9u + i10;
    let k57 = q18 * 243u + i17 * 9u + i15;
    let k64 = q23 * 243u + i22 * 9u + i20;
    let k71 = q28 * 243u + i27 * 9u + i25;
    let k76 = i5 * 27u;
    let k80 = i6 * 27u;
    let k84 = i7 * 27u;
    let k88 = i8 * 27u;
    for (var i45 = 0u; i45 < 3u + group.z; i45++) {
      let k51 = k50 + i45 * 81u;
      let k58 = k57 + i45 * 81u;
      let k65 = k64 + i45 * 81u;
      let k72 = k71 + i45 * 81u;
      let k77 = k76 + i45 * 9u;
      let k81 = k80 + i45 * 9u;
      let k85 = k84 + i45 * 9u;
      let k89 = k88 + i45 * 9u;
      for (var i46 = 0u; i46 < 3u + group.z; i46++) {
        let k48 = i12 + i46 - 1u;
        let k52 = k51 + i46 * 9u;
        let k55 = i17 + i46 - 1u;
        let k59 = k58 + i46 * 9u;
        let k62 = i22 + i46 - 1u;
        let k66 = k65 + i46 * 9u;
        let k69 = i27 + i46 - 1u;
        let k73 = k72 + i46 * 9u;
        let k78 = k77 + i46 * 3u;
        let k82 = k81 + i46 * 3u;
        let k86 = k85 + i46 * 3u;
        let k90 = k89 + i46 * 3u;
        for (var i47 = 0u; i47 < 3u; i47++) {
          var v49 = 0.0f;
          let k53 = k52 + i47 - 10u;
          if (k48 < 9u && (i10 + i47 - 1u) < 9u) {
            let v54 = t0[k53];
            v49 = v54;
          }
          var v56 = 0.0f;
          let k60 = k59 + i47 - 10u;
          if (k55 < 9u && (i15 + i47 - 1u) < 9u) {
            let v61 = t0[k60];
            v56 = v61;
          }
          var v63 = 0.0f;
          let k67 = k66 + i47 - 10u;
          if (k62 < 9u && (i20 + i47 - 1u) < 9u) {
            let v68 = t0[k67];
            v63 = v68;
          }
          var v70 = 0.0f;
          let k74 = k73 + i47 - 10u;
          if (k69 < 9u && (i25 + i47 - 1u) < 9u) {
            let v75 = t0[k74];
            v70 = v75;
          }
          let v79 = t1[k78 + i47];
          let v83 = t1[k82 + i47];
          let v87 = t1[k86 + i47];
          let v91 = t1[k90 + i47];
          c29 = fma(v79, v49, c29);
          c30 = fma(v79, v56, c30);
          c31 = fma(v79, v63, c31);
          c32 = fma(v79, v70, c32);
          c33 = fma(v83, v49, c33);
          c34 = fma(v83, v56, c34);
          c35 = fma(v83, v63, c35);
          c36 = fma(v83, v70, c36);
          c37 = fma(v87, v49, c37);
          c38 = fma(v87, v56, c38);
          c39 = fma(v87, v63, c39);
          c40 = fma(v87, v70, c40);
          c41 = fma(v91, v49, c41);
          c42 = fma(v91, v56, c42);
          c43 = fma(v91, v63, c43);
          c44 = fma(v91, v70, c44);
        }
      }
    }
    let i92 = column4 + lane;
    if (i92 < n1) {
      let i93 = i92 % 9u;
      let q94 = i92 / 9u;
      let i95 = q94 % 9u;
      let q96 = q94 / 9u;
      var sums97 = array<f32, 4>(c29, c33, c37, c41);
      let k103 = q96 * 324u + i95 * 9u + i93;
      for (var i98 = 0u; i98 < 4u + group.z; i98++) {
        let i99 = row3 + i98;
         {
          let v100 = sums97[i98];
          let v101 = t2[i99];
          let v102 = max((v100 + v101), 0.0f);
          t3[k103 + i99 * 81u] = v102;
        }
      }
    }
    let i104 = column4 + lane + 1u * 8u;
    if (i104 < n1) {
      let i105 = i104 % 9u;
      let q106 = i104 / 9u;
      let i107 = q106 % 9u;
      let q108 = q106 / 9u;
      var sums109 = array<f32, 4>(c30, c34, c38, c42);
      let k115 = q108 * 324u + i107 * 9u + i105;
      for (var i110 = 0u; i110 < 4u + group.z; i110++) {
        let i111 = row3 + i110;
         {
          let v112 = sums109[i110];
          let v113 = t2[i111];
          let v114 = max((v112 + v113), 0.0f);
          t3[k115 + i111 * 81u] = v114;
        }
      }
    }
    let i116 = column4 + lane + 2u * 8u;
    if (i116 < n1) {
      let i117 = i116 % 9u;
      let q118 = i116 / 9u;
      let i119 = q118 % 9u;
      let q120 = q118 / 9u;
      var sums121 = array<f32, 4>(c31, c35, c39, c43);
      let k127 = q120 * 324u + i119 * 9u + i117;
      for (var i122 = 0u; i122 < 4u + group.z; i122++) {
        let i123 = row3 + i122;
         {
          let v124 = sums121[i122];
          let v125 = t2[i123];
          let v126 = max((v124 + v125), 0.0f);
          t3[k127 + i123 * 81u] = v126;
        }
      }
    }
    let i128 = column4 + lane + 3u * 8u;
    if (i128 < n1) {
      let i129 = i128 % 9u;
      let q130 = i128 / 9u;
      let i131 = q130 % 9u;
      let q132 = q130 / 9u;
      var sums133 = array<f32, 4>(c32, c36, c40, c44);
      let k139 = q132 * 324u + i131 * 9u + i129;
      for (var i134 = 0u; i134 < 4u + group.z; i134++) {
        let i135 = row3 + i134;
         {
          let v136 = sums133[i134];
          let v137 = t2[i135];
          let v138 = max((v136 + v137), 0.0f);
          t3[k139 + i135 * 81u] = v138;
        }
      }
    }
  }
}
