/** `1234567` → `1,234,567`. A whole number; the host's own way of doing it loads a language's rules first, which takes 10 ms. */
export const thousands = (whole: number): string => String(whole).replace(/\B(?=(?:\d{3})+$)/g, ',')
