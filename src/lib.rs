//! Seatkeeper keeps the licenses of Microsoft 365 users as YAML policies say.
//!
//! ```text
//! policies ─ source ─▶ policy ──┐
//! tenant ─── graph ──▶ Snapshot ┼▶ plan::make ─▶ Plan ─▶ guards, people ─▶ ApprovedPlan ─▶ engine ─▶ outcomes
//! ledger ─── store ──▶ Ledger ──┘  └──── pure, the same bytes every time ────┘              └▶ intents, ledger, history
//! ```
//!
//! # How it is built
//!
//! Three floors, and a wall between the first two:
//!
//! 1. **What decides** is pure: [`domain`], [`yaml`], [`policy`], [`config`], [`plan`], [`report`]. Values
//!    in, values out; time is one of them. Everything that could take a license from somebody is decided
//!    here, where a test needs no tenant and a property can be stated.
//! 2. **What acts** is [`engine`], which knows the world through [`ports`] alone, and behind them
//!    [`graph`], [`source`], [`store`] and [`webhook`], which never know one another.
//! 3. **What is touched** is a skin: [`cli`] and [`api`]. The first also wires the parts together.
//!
//! [`sandbox`] stands beside them: a tenant of its own that speaks Graph over HTTP and shares no code
//! with [`graph`], so that one misreading of Graph cannot hide in both.
//!
//! # One cycle
//!
//! 1. **Settle.** `engine::recovery` looks up what became of intents without an outcome, and closes the
//!    plan that they belong to. The rest of an old plan is never played.
//! 2. **Read.** The tenant is read whole, or by what changed since ([`domain::tracking`]); nothing is ever
//!    taken away on the word of changes alone. A missing page leaves no snapshot
//!    ([`domain::snapshot`]), and so no plan.
//! 3. **Plan.** [`plan::make`] binds names to ids, resolves what everybody should have, shares the seats,
//!    compares, and judges by guards: policies, snapshot, ledger and time in, a [`plan::Plan`] out, with
//!    a digest over all that it does.
//! 4. **Decide.** The mode says who approves. [`plan::approval`] alone makes an
//!    [`plan::approval::ApprovedPlan`], from a plan that no guard holds or that a person said yes to.
//! 5. **Carry out.** [`engine::carry_out`] reads and plans once more, and takes nothing but what is still
//!    planned just as it was approved. The executor asks a second question before a removal, writes the
//!    intent, sends, and records an outcome when a read shows it.
//!
//! The daemon ([`engine::daemon`]) runs cycles again and again: one loop a tenant, whatever starts it;
//! commands beside it ask it through the records ([`ports::desk`]). What a person asks for once
//! ([`engine::once`]) is planned and carried out by the same functions, beside the policies.
//!
//! # Where a guarantee lives
//!
//! | what can never happen | because | is tested by |
//! | --- | --- | --- |
//! | a part of a tenant passes for the whole | only a complete reading ends in a snapshot ([`domain::snapshot`]) | `tests/it/guards.rs` |
//! | something unknown counts as absent | [`domain::known`] has no way to say so | `plan::tests` |
//! | something runs that nobody approved | the executor takes a [`plan::approval::ApprovedPlan`] and nothing else | `tests/it/approvals.rs` |
//! | an effect without a record | the intent is on disk before it is sent ([`store`]) | `tests/it/crash.rs`, `tests/it/power.rs` |
//! | a record is edited unseen | a chain of digests, and triggers in the schema ([`store`]) | `store::tests` |
//! | a store of an earlier version is lost | it is copied before it is brought up to date ([`store`]) | `store::tests::upgrades`, `tests/stores` |
//! | a secret is printed | it stays a reference ([`config`]) until [`cli`] opens it, into a type that prints `***` | `config::tests`, `tests/it/doctor.rs` |
//! | a module reaches upwards | paths are read and judged | `tests/architecture.rs` |
//! | a page of the documentation lies about a key, a metric or a test | examples are loaded, names looked up | `tests/docs.rs`, the tests of both schemas |
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
//! | [`report`] | pure | one value, many renderings: text, JSON with its schema, HTML, JUnit, CSV |
//! | [`ports`] | | what the engine asks of the world |
//! | [`graph`] | effect | Microsoft Graph: sign-in, paging, batches, retries, waits |
//! | [`source`] | effect | policy files from a directory, and when they changed |
//! | [`store`] | effect | ledger, plans, requests, and the chain of intents, outcomes and decisions (SQLite); snapshots and locks beside it; exported tenants |
//! | [`sandbox`] | | the emulated tenant: a product and the test bed; knows nothing of `graph` |
//! | [`engine`] | effect | cycle, executor, recovery, breaker, gate, daemon; knows ports alone |
//! | [`webhook`] | effect | tells people: notices to webhooks, again until they arrive |
//! | [`api`] | effect | the daemon over HTTP: status, plans and decisions, metrics, the page for people; a skin over `engine` |
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
