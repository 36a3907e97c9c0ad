// Owns what the routes of a program share while they run: the code of the last call, and whether the script is to end.

export const script = {
  /** `$rc`. */
  rc: 1,
  /** 0: go on; 1: exit; 2: drop. Set only while the routes of a `.cfg` unwind. */
  stop: 0,
}
