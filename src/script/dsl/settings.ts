// Owns what a .cfg file sets outside its routes: core parameters, sockets, modules and their parameters.
import type { Position } from '../diagnostic.ts'

/** What a `.cfg` file sets outside its routes, in the order of the file. */
export interface CfgSettings {
  /** `name = value` of known core parameters; yes/no are 1 and 0. */
  core: { name: string; value: string | number; at: Position }[]
  /** `listen = ...`, each normalised to one text: `udp:10.0.0.5:5060 advertise h:p name "x"`. */
  listen: { text: string; at: Position }[]
  /** `alias = ...`: `example.com`, `udp:example.com:5060`. */
  alias: { text: string; at: Position }[]
  /** `loadmodule`, names without path and `.so`. */
  modules: { name: string; at: Position }[]
  /** `modparam`, one entry a module also where the file says `"m1|m2"`. */
  modparams: { module: string; name: string; value: string | number; at: Position }[]
  /** `group.name = value`, read by `$sel(cfg_get.group.name)`. */
  custom: { group: string; name: string; value: string | number; at: Position }[]
  /** `flags NAME:3, OTHER`: name to number. */
  flags: { name: string; number: number }[]
}

/** Settings of an empty file. */
export function emptySettings(): CfgSettings {
  return { core: [], listen: [], alias: [], modules: [], modparams: [], custom: [], flags: [] }
}
