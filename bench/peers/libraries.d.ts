/** The peers' libraries are installed for a benchmark only (`bench/package.json`), so the project is checked without their types. */
declare module '@tensorflow/tfjs'
declare module '@tensorflow/tfjs-backend-webgpu'
declare module '@jax-js/jax'
declare module 'onnxruntime-web/webgpu'
