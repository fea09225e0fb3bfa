export const name = 'drill';
