//! What 1.11 has not: UUIDs, and procedures that return a `Result`.

use crate::{journal, write_down, Journal};
use spacetimedb::{procedure, reducer, ProcedureContext, ReducerContext, Table};

/// Writes down what the specification recorded for the timestamp 1 700 000 000 123 456.
#[reducer]
pub fn recorded_chance(ctx: &ReducerContext) -> Result<(), String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let first = ctx.new_uuid_v4().map_err(|e| text(&e))?;
    let second = ctx.new_uuid_v7().map_err(|e| text(&e))?;
    let third = ctx.new_uuid_v7().map_err(|e| text(&e))?;
    write_down(ctx, format!("{first} {second} {third} {}", ctx.random::<u64>()));
    Ok(())
}

/// The transaction is given up; what it wrote is gone.
#[procedure]
pub fn write_and_abort(ctx: &mut ProcedureContext, entry: String) -> Result<u64, String> {
    ctx.try_with_tx(|tx| {
        tx.db.journal().insert(Journal { id: 0, entry: entry.clone() });
        Err::<u64, String>("given up".into())
    })
}
