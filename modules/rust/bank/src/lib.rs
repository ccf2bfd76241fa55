//! Accounts and transfers: the module of the transfer benchmarks.

use spacetimedb::{reducer, table, ReducerContext, Table};

/// What every account starts with.
const OPENING_BALANCE: i64 = 1_000_000;

#[table(name = account, public)]
pub struct Account {
    #[primary_key]
    id: u32,
    balance: i64,
}

/// The same, with a second, ordered index over the column that a transfer changes.
#[table(name = ranked_account, public)]
pub struct RankedAccount {
    #[primary_key]
    id: u32,
    #[index(btree)]
    balance: i64,
}

/// The same, with a second, ordered index over a column that no transfer changes.
#[table(name = branch_account, public)]
pub struct BranchAccount {
    #[primary_key]
    id: u32,
    #[index(btree)]
    branch: u32,
    balance: i64,
}

/// Accounts are spread over so many branches.
const BRANCHES: u32 = 100;

/// Opens accounts 0 … `count` - 1 where they do not exist yet.
#[reducer]
pub fn open_accounts(ctx: &ReducerContext, count: u32) {
    for id in ctx.db.account().count() as u32..count {
        ctx.db.account().insert(Account { id, balance: OPENING_BALANCE });
    }
}

#[reducer]
pub fn open_ranked_accounts(ctx: &ReducerContext, count: u32) {
    for id in ctx.db.ranked_account().count() as u32..count {
        ctx.db.ranked_account().insert(RankedAccount { id, balance: OPENING_BALANCE });
    }
}

#[reducer]
pub fn open_branch_accounts(ctx: &ReducerContext, count: u32) {
    for id in ctx.db.branch_account().count() as u32..count {
        ctx.db.branch_account().insert(BranchAccount { id, branch: id % BRANCHES, balance: OPENING_BALANCE });
    }
}

/// Moves `amount` between two accounts; refuses to overdraw.
#[reducer]
pub fn transfer(ctx: &ReducerContext, from: u32, to: u32, amount: i64) -> Result<(), String> {
    check(from, to, amount)?;
    let accounts = ctx.db.account();
    let payer = accounts.id().find(from).ok_or("no such payer")?;
    let payee = accounts.id().find(to).ok_or("no such payee")?;
    if payer.balance < amount {
        return Err("insufficient funds".into());
    }
    accounts.id().update(Account { balance: payer.balance - amount, ..payer });
    accounts.id().update(Account { balance: payee.balance + amount, ..payee });
    Ok(())
}

#[reducer]
pub fn transfer_ranked(ctx: &ReducerContext, from: u32, to: u32, amount: i64) -> Result<(), String> {
    check(from, to, amount)?;
    let accounts = ctx.db.ranked_account();
    let payer = accounts.id().find(from).ok_or("no such payer")?;
    let payee = accounts.id().find(to).ok_or("no such payee")?;
    if payer.balance < amount {
        return Err("insufficient funds".into());
    }
    accounts.id().update(RankedAccount { balance: payer.balance - amount, ..payer });
    accounts.id().update(RankedAccount { balance: payee.balance + amount, ..payee });
    Ok(())
}

#[reducer]
pub fn transfer_branch(ctx: &ReducerContext, from: u32, to: u32, amount: i64) -> Result<(), String> {
    check(from, to, amount)?;
    let accounts = ctx.db.branch_account();
    let payer = accounts.id().find(from).ok_or("no such payer")?;
    let payee = accounts.id().find(to).ok_or("no such payee")?;
    if payer.balance < amount {
        return Err("insufficient funds".into());
    }
    accounts.id().update(BranchAccount { balance: payer.balance - amount, ..payer });
    accounts.id().update(BranchAccount { balance: payee.balance + amount, ..payee });
    Ok(())
}

fn check(from: u32, to: u32, amount: i64) -> Result<(), String> {
    if amount <= 0 {
        return Err("the amount must be positive".into());
    }
    if from == to {
        return Err("payer and payee are the same account".into());
    }
    Ok(())
}
