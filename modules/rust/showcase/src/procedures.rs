//! Procedures: they return values and hold their own transactions.

use crate::{journal, Journal};
use spacetimedb::{procedure, ProcedureContext, SpacetimeType, Table};

#[derive(SpacetimeType)]
pub struct Sum {
    total: u64,
    terms: Vec<u32>,
}

/// Needs no transaction.
#[procedure]
pub fn add_up(_ctx: &mut ProcedureContext, terms: Vec<u32>) -> Sum {
    Sum { total: terms.iter().map(|&term| u64::from(term)).sum(), terms }
}

/// Two transactions, one after the other. The second sees the first.
#[procedure]
pub fn write_twice(ctx: &mut ProcedureContext, entry: String) -> u64 {
    let before = ctx.with_tx(|tx| {
        tx.db.journal().insert(Journal { id: 0, entry: entry.clone() });
        tx.db.journal().count()
    });
    ctx.with_tx(|tx| {
        tx.db.journal().insert(Journal { id: 0, entry: format!("{entry} again") });
        tx.db.journal().count() - before
    })
}

/// Ends in a trap with its transaction open.
#[procedure]
pub fn panic_in_tx(ctx: &mut ProcedureContext) {
    ctx.with_tx(|tx| {
        tx.db.journal().insert(Journal { id: 0, entry: "must not stay".into() });
        panic!("inside the transaction");
    })
}
