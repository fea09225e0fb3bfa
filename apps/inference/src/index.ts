export const name = 'inference';
