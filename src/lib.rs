//! Seatkeeper keeps the licenses of Microsoft 365 users as YAML policies say.
//!
//! ```text
//! policies ─ source ─▶ policy ──┐
//! tenant ─── graph ──▶ Snapshot ┼▶ plan::make ─▶ Plan ─▶ guards, people ─▶ ApprovedPlan ─▶ engine ─▶ outcomes
//! ledger ─── store ──▶ Ledger ──┘  └──── pure, the same bytes every time ────┘              └▶ intents, ledger, history
//! ```
//!
//! A cycle ([`engine::cycle`]) reads the tenant, whole or by what changed since it was read before
//! ([`domain::tracking`]), and never takes anything away on the word of changes alone. It settles what
//! an interruption left open, and makes a plan from four values: policies, snapshot, ledger and time.
//! The daemon ([`engine::daemon`]) runs cycles again and again: one loop a tenant, whatever starts it;
//! commands beside it ask it through the records ([`ports::desk`]). Carrying a plan out
//! ([`engine::carry_out`]) reads and plans once more, and runs only what is still planned just as it
//! was approved. What a person asks for once ([`engine::once`]) is planned and carried out by the same
//! functions, beside the policies.
//!
//! # The modules, in reading order
//!
//! | module | kind | is |
//! | --- | --- | --- |
//! | [`domain`] | pure | the nouns: ids, SKUs, users, groups, assignments, snapshots, distinguished names |
//! | [`yaml`] | pure | YAML that keeps its places, and diagnostics that show them |
//! | [`policy`] | pure | text → policies, or every problem; the settings that planning obeys |
//! | [`config`] | pure | text → settings; a secret stays a reference |
//! | [`plan`] | pure | bind, select, resolve, share seats, judge, approve, explain, revert, look ahead, compare, rehearse, describe |
//! | [`report`] | pure | one value, many renderings: text, JSON with its schema, JUnit, CSV |
//! | [`ports`] | | what the engine asks of the world |
//! | [`graph`] | effect | Microsoft Graph: sign-in, paging, batches, retries, waits |
//! | [`source`] | effect | policy files from a directory, and when they changed |
//! | [`store`] | effect | ledger, plans, requests, and the chain of intents, outcomes and decisions (SQLite); snapshots and locks beside it; exported tenants |
//! | [`sandbox`] | | the emulated tenant: a product and the test bed; knows nothing of `graph` |
//! | [`engine`] | effect | cycle, executor, recovery, breaker, gate, daemon; knows ports alone |
//! | [`webhook`] | effect | tells people: notices to webhooks, again until they arrive |
//! | [`api`] | effect | the daemon over HTTP: status, plans and decisions, metrics; a skin over `engine` |
//! | [`cli`] | effect | the command line, and the one place that wires the parts together |
//!
//! Which module may use which is checked by `tests/architecture.rs`.
//!
//! # Six promises
//!
//! 1. **Deciding is pure.** No `async`, clock, randomness or I/O in a pure module; time comes in as a
//!    value.
//! 2. **One path.** Plan, apply, bulk, revert, demo and the daemon run the same functions. A mode says who
//!    approves; below [`engine::daemon`] nothing knows it, and no `dry_run` flag exists.
//! 3. **A trigger says when, never what.** Whoever asks starts the same full cycle from what is there
//!    now.
//! 4. **Removal needs proof.** A complete read, a direct assignment, a policy that names it or a
//!    ledger that owns it (or a person who asks for it once), an approved plan, and a second question
//!    asked another way. Doubt leaves it in place.
//! 5. **The store is memory, not truth.** Losing it removes too little, never too much.
//! 6. **Intent before effect, one outcome after.** What became of an operation is known or looked up,
//!    never assumed.

pub mod api;
pub mod cli;
pub mod config;
pub mod domain;
pub mod engine;
pub mod graph;
#[cfg(test)]
#[path = "../tests/it/pki.rs"]
mod pki;
pub mod plan;
pub mod policy;
pub mod ports;
pub mod report;
pub mod sandbox;
pub mod source;
pub mod store;
pub mod webhook;
pub mod yaml;
