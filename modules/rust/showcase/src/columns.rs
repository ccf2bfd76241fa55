//! Every type that a column may have.

use crate::expect_same;
use spacetimedb::sats::{i256, u256};
use spacetimedb::{
    reducer, table, ConnectionId, Identity, ReducerContext, ScheduleAt, SpacetimeType, Table, TimeDuration, Timestamp,
};
use spacetimedb::Uuid; // since 1.12

#[table(name = scalars, public)]
#[derive(Clone, PartialEq, Debug)]
pub struct Scalars {
    #[primary_key]
    id: u32,
    truth: bool,
    i8: i8,
    u8: u8,
    i16: i16,
    u16: u16,
    i32: i32,
    u32: u32,
    i64: i64,
    u64: u64,
    i128: i128,
    u128: u128,
    i256: i256,
    u256: u256,
    f32: f32,
    f64: f64,
    text: String,
}

#[derive(SpacetimeType, Clone, Copy, PartialEq, Debug)]
pub enum Colour {
    Red,
    Green,
    Blue,
}

#[derive(SpacetimeType, Clone, PartialEq, Debug)]
pub struct Point {
    x: f32,
    y: f32,
}

#[derive(SpacetimeType, Clone, PartialEq, Debug)]
pub enum Shape {
    Nothing,
    Circle(Circle),
    Polygon(Vec<Point>),
    Label { text: String },
}

#[derive(SpacetimeType, Clone, PartialEq, Debug)]
pub struct Circle {
    centre: Point,
    radius: f32,
}

#[derive(SpacetimeType, Clone, PartialEq, Debug)]
pub struct Unit;

#[table(name = composite, public)]
#[derive(Clone, PartialEq, Debug)]
pub struct Composite {
    #[primary_key]
    owner: Identity,
    connection: ConnectionId,
    at: Timestamp,
    took: TimeDuration,
    uuid: Uuid, // since 1.12
    due: ScheduleAt,
    colour: Colour,
    shape: Shape,
    shapes: Vec<Shape>,
    maybe: Option<Point>,
    deep: Option<Vec<Option<String>>>,
    outcome: Result<u32, String>, // since 1.12
    bytes: Vec<u8>,
    numbers: Vec<i64>,
    unit: Unit,
    #[default(7u32)]
    added_later: u32,
}

/// Stores a row of scalars as it came.
#[reducer]
#[allow(clippy::too_many_arguments)]
pub fn store_scalars(
    ctx: &ReducerContext, id: u32, truth: bool, i8: i8, u8: u8, i16: i16, u16: u16, i32: i32, u32: u32, i64: i64, u64: u64,
    i128: i128, u128: u128, i256: i256, u256: u256, f32: f32, f64: f64, text: String,
) {
    ctx.db.scalars().insert(Scalars { id, truth, i8, u8, i16, u16, i32, u32, i64, u64, i128, u128, i256, u256, f32, f64, text });
}

/// Stores the extremes of each width and reads them back.
#[reducer]
pub fn check_scalars(ctx: &ReducerContext) -> Result<(), String> {
    let low = Scalars {
        id: u32::MAX - 1, truth: false, i8: i8::MIN, u8: 0, i16: i16::MIN, u16: 0, i32: i32::MIN, u32: 0, i64: i64::MIN,
        u64: 0, i128: i128::MIN, u128: 0, i256: i256::MIN, u256: u256::MIN, f32: f32::NEG_INFINITY, f64: -0.0,
        text: String::new(),
    };
    let high = Scalars {
        id: u32::MAX, truth: true, i8: i8::MAX, u8: u8::MAX, i16: i16::MAX, u16: u16::MAX, i32: i32::MAX, u32: u32::MAX,
        i64: i64::MAX, u64: u64::MAX, i128: i128::MAX, u128: u128::MAX, i256: i256::MAX, u256: u256::MAX, f32: f32::MAX,
        f64: f64::MIN_POSITIVE, text: "é🌍\0".into(),
    };
    for row in [low, high] {
        ctx.db.scalars().insert(row.clone());
        expect_same("scalars", ctx.db.scalars().id().find(row.id), Some(row))?;
    }
    Ok(())
}

/// Stores and reads back a row that nests what can be nested.
#[reducer]
pub fn check_composite(ctx: &ReducerContext) -> Result<(), String> {
    let row = Composite {
        owner: ctx.sender,
        connection: ctx.connection_id.unwrap_or(ConnectionId::ZERO),
        at: ctx.timestamp,
        took: TimeDuration::from_micros(-1_500_000),
        uuid: Uuid::from_u128(0x0123_4567_89ab_4def_8123_4567_89ab_cdef), // since 1.12
        due: ScheduleAt::Interval(TimeDuration::from_micros(250_000)),
        colour: Colour::Blue,
        shape: Shape::Circle(Circle { centre: Point { x: 1.0, y: -2.0 }, radius: 0.5 }),
        shapes: vec![
            Shape::Nothing,
            Shape::Polygon(vec![Point { x: 0.0, y: 0.0 }, Point { x: 1.0, y: 1.0 }]),
            Shape::Label { text: "here".into() },
        ],
        maybe: Some(Point { x: f32::NAN.max(3.0), y: 4.0 }),
        deep: Some(vec![None, Some("deep".into())]),
        outcome: Err("not yet".into()), // since 1.12
        bytes: (0..=255).collect(),
        numbers: vec![i64::MIN, -1, 0, i64::MAX],
        unit: Unit,
        added_later: 9,
    };
    ctx.db.composite().insert(row.clone());
    expect_same("composite", ctx.db.composite().owner().find(ctx.sender), Some(row.clone()))?;
    let changed = Composite {
        outcome: Ok(1), // since 1.12
        colour: Colour::Red, shape: Shape::Nothing, maybe: None, ..row
    };
    expect_same("updated", ctx.db.composite().owner().update(changed.clone()), changed.clone())?;
    expect_same("composite after update", ctx.db.composite().iter().collect::<Vec<_>>(), vec![changed])
}

/// Takes arguments that borrow, nest and may be absent, and writes down what it got.
#[reducer]
pub fn echo(ctx: &ReducerContext, text: &str, colour: Colour, shape: Shape, maybe: Option<Point>, list: Vec<Vec<u8>>) {
    crate::write_down(ctx, format!("{text} {colour:?} {shape:?} {maybe:?} {list:?}"));
}
