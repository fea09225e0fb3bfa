export const name = 'supervisor';
