import "../name-import-cycle.dlm"
const circle = 3
