//! One of everything: each kind of column, key, index and call that a 1.12 module can make. `scripts/respell-showcase.mjs` puts it into
//! the spelling of other versions: for 1.11, lines that end in `// since 1.12` are left out.
//!
//! - `columns.rs`: every type a column may have, and the reducers that store and compare them
//! - `keys.rs`: generated keys, unique keys, indexes and what can be asked of them
//! - `schedule.rs`: timers, and a call that does not wait for the commit
//! - `life.rs`: who is connected, tokens, randomness, logs
//! - `limits.rs`: rows and tables beyond a buffer, and calls that must be stopped from outside
//! - `procedures.rs`: functions that hold several transactions, or none
//! - `since_1_12.rs`: what 1.11 has not
//!
//! Reducers called `check_…` compare inside the module and fail with what differed.

mod columns;
mod keys;
mod life;
mod limits;
mod procedures;
mod schedule;
mod since_1_12; // since 1.12

use spacetimedb::{table, ReducerContext, Table};

/// What reducers want to be seen to have done.
#[table(name = journal, public)]
pub struct Journal {
    #[primary_key]
    #[auto_inc]
    id: u64,
    entry: String,
}

/// Appends a line to the journal.
fn write_down(ctx: &ReducerContext, entry: impl Into<String>) {
    ctx.db.journal().insert(Journal { id: 0, entry: entry.into() });
}

/// Fails with both values when they differ.
fn expect_same<T: PartialEq + std::fmt::Debug>(what: &str, found: T, wanted: T) -> Result<(), String> {
    if found == wanted {
        return Ok(());
    }
    Err(format!("{what}: found {found:?}, wanted {wanted:?}"))
}
