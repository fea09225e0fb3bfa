export { movable, type MovableOptions } from './movable.ts';
export { type Arrived, onMoved, type OnMovedOptions, type ThawContext } from './registry.ts';
export { STAYS, type Stays } from './wire.ts';
