//! Rows and tables larger than a buffer, and calls that never end by themselves.

use crate::{expect_same, write_down};
use spacetimedb::{reducer, table, ReducerContext, Table};

#[table(name = blob, public)]
#[derive(Clone, PartialEq, Debug)]
pub struct Blob {
    #[primary_key]
    #[auto_inc]
    id: u32,
    bytes: Vec<u8>,
}

fn pattern(id: u32, length: u32) -> Vec<u8> {
    (0..length).map(|at| (at.wrapping_mul(31).wrapping_add(id)) as u8).collect()
}

/// Stores `count` rows of `length` bytes.
#[reducer]
pub fn store_blobs(ctx: &ReducerContext, count: u32, length: u32) {
    for _ in 0..count {
        let id = ctx.db.blob().insert(Blob { id: 0, bytes: vec![] }).id;
        ctx.db.blob().id().update(Blob { id, bytes: pattern(id, length) });
    }
}

/// Reads every stored row and compares it.
#[reducer]
pub fn check_blobs(ctx: &ReducerContext, count: u32, length: u32) -> Result<(), String> {
    let mut seen = 0;
    for blob in ctx.db.blob().iter() {
        if blob.bytes != pattern(blob.id, length) {
            return Err(format!("blob {} differs", blob.id));
        }
        if ctx.db.blob().id().find(blob.id) != Some(blob) {
            return Err("found by key, a blob differs".into());
        }
        seen += 1;
    }
    expect_same("seen", seen, count)
}

/// Takes an argument of any size and writes its length down.
#[reducer]
pub fn measure(ctx: &ReducerContext, bytes: Vec<u8>) {
    write_down(ctx, bytes.len().to_string());
}

/// Stops reading early: the iterator is closed, not read to its end.
#[reducer]
pub fn first_blob(ctx: &ReducerContext) {
    let first = ctx.db.blob().iter().next().map(|blob| blob.bytes.len());
    write_down(ctx, format!("{first:?}"));
}

#[reducer]
pub fn loop_for_ever(ctx: &ReducerContext) {
    write_down(ctx, "must not stay");
    let mut turn: u64 = 0;
    loop {
        turn = std::hint::black_box(turn.wrapping_add(1));
    }
}

#[reducer]
pub fn recurse_for_ever(ctx: &ReducerContext) {
    write_down(ctx, "must not stay");
    std::hint::black_box(descend(0));
}

#[allow(unconditional_recursion)]
fn descend(depth: u64) -> u64 {
    std::hint::black_box(descend(std::hint::black_box(depth + 1))) + 1
}

/// Inserts at every depth of the stack until it ends.
#[reducer]
pub fn recurse_inserting(ctx: &ReducerContext) {
    insert_deeper(ctx, 0);
}

#[allow(unconditional_recursion)]
fn insert_deeper(ctx: &ReducerContext, depth: u32) -> u64 {
    let row = ctx.db.blob().insert(Blob { id: 0, bytes: depth.to_le_bytes().to_vec() });
    insert_deeper(ctx, std::hint::black_box(depth + 1)) + u64::from(row.id)
}

#[reducer]
pub fn allocate_for_ever(ctx: &ReducerContext) {
    write_down(ctx, "must not stay");
    let mut kept: Vec<Vec<u8>> = Vec::new();
    loop {
        kept.push(std::hint::black_box(vec![1; 1 << 20]));
    }
}

/// Inserts rows without end.
#[reducer]
pub fn insert_for_ever(ctx: &ReducerContext) {
    loop {
        ctx.db.blob().insert(Blob { id: 0, bytes: vec![0; 1024] });
    }
}
