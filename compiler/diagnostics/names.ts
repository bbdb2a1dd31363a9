/** DLM02xx: names that are unknown, double or out of place. */
export {}
