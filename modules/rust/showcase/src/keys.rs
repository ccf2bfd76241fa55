//! Keys that are generated, keys that must be unique, and indexes of every kind.

use crate::{expect_same, write_down};
use spacetimedb::sats::{i256, u256};
use spacetimedb::{reducer, table, Identity, ReducerContext, SpacetimeType, Table, TryInsertError};
use std::ops::Bound;

#[table(name = sequenced, public)]
#[derive(Clone, PartialEq, Debug)]
pub struct Sequenced {
    #[primary_key]
    #[auto_inc]
    id: u64,
    #[unique]
    #[auto_inc]
    small: u8,
    #[auto_inc]
    signed: i16,
    #[auto_inc]
    wide: u128,
    label: String,
}

#[derive(SpacetimeType, Clone, Copy, PartialEq, Debug)]
pub enum Rank {
    Low,
    Middle,
    High,
}

#[table(
    name = score,
    public,
    index(name = by_player_level, btree(columns = [player, level])),
    index(name = by_rank_name, btree(columns = [rank, name, points])),
    index(name = by_pair, hash(columns = [player, points]))
)]
#[derive(Clone, PartialEq, Debug)]
pub struct Score {
    #[primary_key]
    id: u32,
    player: u32,
    level: i16,
    #[index(btree)]
    points: i64,
    rank: Rank,
    #[index(btree)]
    name: String,
    #[index(hash)]
    team: u8,
    #[unique]
    #[index(direct)]
    seat: u16,
}

#[table(name = badge_current, public)]
#[table(name = badge_former)]
#[derive(Clone, PartialEq, Debug)]
pub struct Badge {
    #[primary_key]
    owner: Identity,
    #[unique]
    code: String,
}

/// A table without any key: a set of rows.
#[table(name = mark, public)]
#[derive(Clone, PartialEq, Debug)]
pub struct Mark {
    x: i32,
    y: i32,
}

/// Inserts a row whose columns are generated where they are zero, and writes down what came back.
#[reducer]
pub fn add_sequenced(ctx: &ReducerContext, id: u64, small: u8, signed: i16, wide: u128, label: String) -> Result<(), String> {
    let row = ctx.db.sequenced().try_insert(Sequenced { id, small, signed, wide, label })?;
    write_down(ctx, format!("{} {} {} {}", row.id, row.small, row.signed, row.wide));
    Ok(())
}

/// Updates with zeros in generated columns: new values are drawn.
#[reducer]
pub fn renumber(ctx: &ReducerContext, id: u64) -> Result<(), String> {
    let old = ctx.db.sequenced().id().find(id).ok_or("no such row")?;
    let new = ctx.db.sequenced().id().update(Sequenced { signed: 0, wide: 0, ..old.clone() });
    if (new.signed, new.wide) == (old.signed, old.wide) {
        return Err("nothing was generated".into());
    }
    expect_same("stored", ctx.db.sequenced().id().find(id), Some(new))
}

/// A generated number of every width.
#[table(name = numbered, public)]
#[derive(Clone, PartialEq, Debug)]
pub struct Numbered {
    #[primary_key]
    #[auto_inc]
    id: u64,
    #[auto_inc]
    as_i8: i8,
    #[auto_inc]
    as_u8: u8,
    #[auto_inc]
    as_i16: i16,
    #[auto_inc]
    as_u16: u16,
    #[auto_inc]
    as_i32: i32,
    #[auto_inc]
    as_u32: u32,
    #[auto_inc]
    as_i64: i64,
    #[auto_inc]
    as_u64: u64,
    #[auto_inc]
    as_i128: i128,
    #[auto_inc]
    as_u128: u128,
    #[auto_inc]
    as_i256: i256,
    #[auto_inc]
    as_u256: u256,
}

/// Inserts two rows without any number, and one that brings its own: what is stored is what came back.
#[reducer]
pub fn check_numbered(ctx: &ReducerContext) -> Result<(), String> {
    let none = Numbered {
        id: 0, as_i8: 0, as_u8: 0, as_i16: 0, as_u16: 0, as_i32: 0, as_u32: 0, as_i64: 0, as_u64: 0, as_i128: 0, as_u128: 0, as_i256: i256::from(0u8), as_u256: u256::from(0u8),
    };
    for id in 1..=2 {
        let row = ctx.db.numbered().insert(none.clone());
        let wanted = Numbered {
            id, as_i8: id as i8, as_u8: id as u8, as_i16: id as i16, as_u16: id as u16, as_i32: id as i32, as_u32: id as u32, as_i64: id as i64, as_u64: id as u64, as_i128: id as i128, as_u128: id as u128, as_i256: i256::from(id), as_u256: u256::from(id),
        };
        expect_same("generated", row.clone(), wanted)?;
        expect_same("stored", ctx.db.numbered().id().find(id), Some(row))?;
    }
    let own = Numbered { id: 9, as_i8: -9, as_u256: u256::from(9u8), ..none };
    let row = ctx.db.numbered().insert(own);
    expect_same("given", (row.id, row.as_i8, row.as_u256, row.as_u8), (9, -9, u256::from(9u8), 3))?;
    expect_same("count", ctx.db.numbered().count(), 3)
}

/// The numbers of a narrow column come to an end.
#[table(name = narrow)]
pub struct Narrow {
    #[primary_key]
    #[auto_inc]
    id: u8,
    label: u16,
}

/// Draws numbers until there are none: they begin anew, and one that is taken is an error that can be met.
#[reducer]
pub fn check_narrow(ctx: &ReducerContext) -> Result<(), String> {
    let draw = |label: u16| ctx.db.narrow().try_insert(Narrow { id: 0, label });
    for round in 1..=256u16 {
        expect_same("drawn", draw(round).map(|row| row.id).map_err(|error| error.to_string()), Ok(round as u8))?;
    }
    match draw(257) {
        Err(TryInsertError::UniqueConstraintViolation(_)) => expect_same("count", ctx.db.narrow().count(), 256),
        Err(TryInsertError::AutoIncOverflow(_)) => Err("an overflow, which modules are not told of".into()),
        Ok(row) => Err(format!("got {}", row.id)),
    }
}

fn score(id: u32) -> Score {
    Score {
        id,
        player: id / 10,
        level: (id % 10) as i16 - 5,
        points: i64::from(id) * 10 - 200,
        rank: [Rank::Low, Rank::Middle, Rank::High][id as usize % 3],
        name: format!("n{}", id % 7),
        team: (id % 4) as u8,
        seat: id as u16,
    }
}

/// Fills `score` with rows 0 … 49.
#[reducer]
pub fn fill_scores(ctx: &ReducerContext) {
    for id in 0..50 {
        ctx.db.score().insert(score(id));
    }
}

fn ids(rows: impl Iterator<Item = Score>) -> Vec<u32> {
    let mut ids: Vec<u32> = rows.map(|row| row.id).collect();
    ids.sort_unstable();
    ids
}

fn wanted(keep: impl Fn(&Score) -> bool) -> Vec<u32> {
    (0..50).filter(|&id| keep(&score(id))).collect()
}

/// Asks each index in each form and compares with a walk over the same rows. Run `fill_scores` first.
#[reducer]
pub fn check_scans(ctx: &ReducerContext) -> Result<(), String> {
    let scores = ctx.db.score();
    expect_same("count", scores.count(), 50)?;
    expect_same("all", ids(scores.iter()), wanted(|_| true))?;

    let points = |form: &str, found: Vec<u32>, keep: &dyn Fn(i64) -> bool| expect_same(form, found, wanted(|s| keep(s.points)));
    points("v", ids(scores.points().filter(100i64)), &|p| p == 100)?;
    points("a..b", ids(scores.points().filter(0i64..50i64)), &|p| (0..50).contains(&p))?;
    points("a..=b", ids(scores.points().filter(-30i64..=50i64)), &|p| (-30..=50).contains(&p))?;
    points("a..", ids(scores.points().filter(110i64..)), &|p| p >= 110)?;
    points("..b", ids(scores.points().filter(..-150i64)), &|p| p < -150)?;
    points("..=b", ids(scores.points().filter(..=-150i64)), &|p| p <= -150)?;
    points("(a, b]", ids(scores.points().filter((Bound::Excluded(-30i64), Bound::Included(50i64)))), &|p| -30 < p && p <= 50)?;
    points("(a, b)", ids(scores.points().filter((Bound::Excluded(-30i64), Bound::Excluded(50i64)))), &|p| -30 < p && p < 50)?;
    points("(a, )", ids(scores.points().filter((Bound::Excluded(0i64), Bound::<i64>::Unbounded))), &|p| p > 0)?;
    points("b..a", ids(scores.points().filter(50i64..-50i64)), &|_| false)?;
    points("a..a", ids(scores.points().filter(50i64..50i64)), &|_| false)?;

    let by = scores.by_player_level();
    expect_same("prefix alone", ids(by.filter(2u32)), wanted(|s| s.player == 2))?;
    expect_same("first column range", ids(by.filter(1u32..=2u32)), wanted(|s| (1..=2).contains(&s.player)))?;
    expect_same("whole key", ids(by.filter((2u32, -1i16))), wanted(|s| s.player == 2 && s.level == -1))?;
    expect_same("prefix, a..=b", ids(by.filter((2u32, -2i16..=1i16))), wanted(|s| s.player == 2 && (-2..=1).contains(&s.level)))?;
    expect_same("prefix, a..", ids(by.filter((2u32, 0i16..))), wanted(|s| s.player == 2 && s.level >= 0))?;
    expect_same("prefix, ..b", ids(by.filter((2u32, ..0i16))), wanted(|s| s.player == 2 && s.level < 0))?;
    expect_same("no such prefix", ids(by.filter((9u32, ..0i16))), vec![])?;

    let three = scores.by_rank_name();
    expect_same("enum", ids(three.filter(Rank::High)), wanted(|s| s.rank == Rank::High))?;
    expect_same("enum, text", ids(three.filter((Rank::Low, "n3"))), wanted(|s| s.rank == Rank::Low && s.name == "n3"))?;
    expect_same(
        "enum, text, range",
        ids(three.filter((Rank::Low, "n3", 0i64..))),
        wanted(|s| s.rank == Rank::Low && s.name == "n3" && s.points >= 0),
    )?;
    expect_same("text", ids(scores.name().filter("n4")), wanted(|s| s.name == "n4"))?;
    expect_same("text range", ids(scores.name().filter("n4"..)), wanted(|s| s.name.as_str() >= "n4"))?;
    expect_same("hash", ids(scores.team().filter(3u8)), wanted(|s| s.team == 3))?;
    expect_same("hash of two", ids(scores.by_pair().filter((2u32, 30i64))), wanted(|s| s.player == 2 && s.points == 30))?;
    expect_same("direct", scores.seat().find(17u16), Some(score(17)))?;
    expect_same("unique, absent", scores.id().find(99), None)
}

/// Deletes through each kind of index and compares what is left. Run `fill_scores` first.
#[reducer]
pub fn check_deletes(ctx: &ReducerContext) -> Result<(), String> {
    let scores = ctx.db.score();
    expect_same("by key", (scores.id().delete(0), scores.id().delete(0)), (true, false))?;
    expect_same("by direct", scores.seat().delete(1u16), true)?;
    expect_same("by value", (scores.delete(score(2)), scores.delete(score(2))), (true, false))?;
    expect_same("by range", scores.points().delete(..-150i64), 2)?;
    expect_same("by prefix and range", scores.by_player_level().delete((1u32, 0i16..)), 5)?;
    expect_same("by whole key", scores.by_player_level().delete((1u32, -5i16)), 1)?;
    expect_same("by hash", scores.by_pair().delete((2u32, 30i64)), 1)?;
    expect_same("by nothing", scores.points().delete(100_000i64..), 0)?;
    let gone = |id: u32| id < 5 || (15..20).contains(&id) || id == 10 || id == 23;
    expect_same("left", ids(scores.iter()), (0..50).filter(|&id| !gone(id)).collect())?;
    expect_same("count", scores.count(), 50 - 5 - 5 - 2)?;
    // A row deleted and put back in one transaction is as if it had never gone.
    scores.insert(score(23));
    expect_same("put back", scores.id().find(23), Some(score(23)))
}

/// An open iterator goes on showing what it found, whatever the reducer writes meanwhile.
#[reducer]
pub fn check_open_iterator(ctx: &ReducerContext) -> Result<(), String> {
    let mut seen = 0;
    for row in ctx.db.score().iter() {
        seen += 1;
        ctx.db.score().id().delete(row.id);
    }
    expect_same("seen", seen, 50)?;
    expect_same("left", ctx.db.score().count(), 0)
}

/// Unique constraints: violations can be met with `try_insert`, and nothing of the row stays.
#[reducer]
pub fn check_unique(ctx: &ReducerContext) -> Result<(), String> {
    let badges = ctx.db.badge_current();
    let mine = Badge { owner: ctx.sender, code: "a".into() };
    badges.insert(mine.clone());
    // The very same row again is no violation: a table is a set.
    badges.insert(mine.clone());
    let text = match badges.try_insert(Badge { owner: Identity::ONE, code: "a".into() }) {
        Ok(_) => return Err("a second row with code a".into()),
        Err(TryInsertError::UniqueConstraintViolation(error)) => error.to_string(),
        Err(other) => return Err(format!("another error: {other}")),
    };
    log::info!("refused: {text}");
    expect_same("count", badges.count(), 1)?;
    badges.insert(Badge { owner: Identity::ONE, code: "b".into() });
    badges.code().update(Badge { owner: Identity::ONE, code: "b".into() }); // up to 1.12
    expect_same("by code", badges.code().find(&"b".to_string()).map(|b| b.owner), Some(Identity::ONE))?;
    // The same struct serves another table.
    ctx.db.badge_former().insert(mine);
    badges.owner().delete(ctx.sender);
    expect_same("moved", (badges.count(), ctx.db.badge_former().count()), (1, 1))
}

/// Panics: `insert` does not let a violation pass.
#[reducer]
pub fn insert_duplicate(ctx: &ReducerContext) {
    ctx.db.badge_current().insert(Badge { owner: Identity::ZERO, code: "same".into() });
    ctx.db.badge_current().insert(Badge { owner: Identity::ONE, code: "same".into() });
}

/// Panics: there is no such row to update.
#[reducer]
pub fn update_missing(ctx: &ReducerContext) {
    ctx.db.badge_current().owner().update(Badge { owner: Identity::ZERO, code: "none".into() });
}

/// Rows without a key: inserting twice keeps one.
#[reducer]
pub fn check_set(ctx: &ReducerContext) -> Result<(), String> {
    let marks = ctx.db.mark();
    for _ in 0..3 {
        marks.insert(Mark { x: 1, y: 2 });
    }
    marks.insert(Mark { x: 2, y: 1 });
    expect_same("count", marks.count(), 2)?;
    expect_same("gone", marks.delete(Mark { x: 1, y: 2 }), true)?;
    expect_same("left", marks.iter().collect::<Vec<_>>(), vec![Mark { x: 2, y: 1 }])
}

/// Inserts or updates, whichever it takes.
#[reducer]
pub fn put_badge(ctx: &ReducerContext, code: String) {
    ctx.db.badge_current().owner().insert_or_update(Badge { owner: ctx.sender, code });
}
