/** DLM06xx: train blocks and their settings. */
export {}
