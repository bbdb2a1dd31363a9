/** DLM08xx: checkpoints and tensor files. */
export {}
