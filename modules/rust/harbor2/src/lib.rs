// A small harbour: boats at docks, water gauges, private notes, a patrol timer.
use spacetimedb::sats::u256;
use spacetimedb::{
    client_visibility_filter, procedure, reducer, table, view, AnonymousViewContext, ConnectionId, Filter, Identity,
    ProcedureContext, ReducerContext, ScheduleAt, SpacetimeType, Table, Timestamp, ViewContext,
};
use std::time::Duration;

#[derive(SpacetimeType, Clone)]
pub enum Rig {
    Bare,
    Motor(u32),
    Sail(Hull),
}

#[derive(SpacetimeType, Clone)]
pub struct Hull {
    length: f32,
    beam: f32,
}

#[table(accessor = boat, public, index(accessor = berth, btree(columns = [dock, slot])))]
#[derive(Clone)]
pub struct Boat {
    #[primary_key]
    #[auto_inc]
    id: u64,
    #[unique]
    name: String,
    dock: u32,
    slot: u16,
    rig: Rig,
    hull: Hull,
    motto: Option<String>,
    tags: Vec<String>,
    seal: Vec<u8>,
    crest: u256,
    weight: f32,
    arrived: Timestamp,
    #[default(7u32)]
    berth_fee: u32,
}

#[cfg(not(any(feature = "c", feature = "d", feature = "m")))]
#[table(accessor = gauge, public)]
#[derive(Clone)]
pub struct Gauge {
    #[primary_key]
    id: u32,
    level: i32,
}

#[cfg(feature = "c")]
#[table(accessor = gauge, public)]
#[derive(Clone)]
pub struct Gauge {
    #[primary_key]
    id: u32,
    level: i32,
    #[default(true)]
    working: bool,
}

#[cfg(feature = "d")]
#[table(accessor = gauge, public)]
#[derive(Clone)]
pub struct Gauge {
    #[primary_key]
    id: u32,
    level: i64,
}

#[cfg(feature = "c")]
fn gauge(id: u32, level: i32) -> Gauge {
    Gauge { id, level, working: true }
}

#[cfg(not(any(feature = "c", feature = "m")))]
fn gauge(id: u32, level: i32) -> Gauge {
    Gauge { id, level: level.into() }
}

// A version with gauges of another shape: a reducer carries over the rows of the version before. The section says so.
#[cfg(feature = "m")]
const HISTORY: &str = "old_gauge is old gauge\nvisit.began was since\nmigrate by carry_over\n";

#[cfg(feature = "m")]
#[used]
#[link_section = "lightcone"]
static SECTION: [u8; HISTORY.len()] = match HISTORY.as_bytes().first_chunk() {
    Some(bytes) => *bytes,
    None => panic!(),
};

#[cfg(feature = "m")]
#[table(accessor = old_gauge)]
pub struct OldGauge {
    #[primary_key]
    id: u32,
    level: i32,
}

#[cfg(feature = "m")]
#[table(accessor = gauge, public)]
#[derive(Clone)]
pub struct Gauge {
    #[primary_key]
    name: String,
    centimetres: f64,
}

#[cfg(feature = "m")]
#[reducer]
pub fn carry_over(ctx: &ReducerContext) -> Result<(), String> {
    for old in ctx.db.old_gauge().iter() {
        if old.level == 666 {
            return Err(format!("gauge {} is cursed", old.id));
        }
        ctx.db.gauge().insert(Gauge { name: format!("gauge {}", old.id), centimetres: f64::from(old.level) * 100.0 });
    }
    Ok(())
}

#[cfg(feature = "b")]
#[table(accessor = crane, public)]
pub struct Crane {
    #[primary_key]
    id: u32,
    tons: u16,
}

#[table(accessor = note, public)]
pub struct Note {
    #[primary_key]
    #[auto_inc]
    id: u64,
    #[index(btree)]
    owner: Identity,
    text: String,
}

#[client_visibility_filter]
const OWN_NOTES: Filter = Filter::Sql("SELECT * FROM note WHERE note.owner = :sender");

#[cfg(not(feature = "m"))]
#[table(accessor = visit)]
pub struct Visit {
    #[primary_key]
    connection: ConnectionId,
    since: Timestamp,
}

#[cfg(feature = "m")]
#[table(accessor = visit)]
pub struct Visit {
    #[primary_key]
    connection: ConnectionId,
    began: Timestamp,
}

#[cfg(not(feature = "m"))]
fn visit(connection: ConnectionId, since: Timestamp) -> Visit {
    Visit { connection, since }
}

#[cfg(feature = "m")]
fn visit(connection: ConnectionId, began: Timestamp) -> Visit {
    Visit { connection, began }
}

#[table(accessor = patrol, public, scheduled(run_patrol))]
pub struct Patrol {
    #[primary_key]
    #[auto_inc]
    scheduled_id: u64,
    scheduled_at: ScheduleAt,
    gauge: u32,
}

#[table(accessor = horn, public, event)]
pub struct Horn {
    boat: u64,
    sound: String,
}

#[cfg(feature = "m")]
#[reducer(init)]
pub fn open_harbor(_ctx: &ReducerContext) {}

#[cfg(not(any(feature = "e", feature = "m")))]
#[reducer(init)]
pub fn open_harbor(ctx: &ReducerContext) {
    ctx.db.gauge().insert(gauge(1, -3));
    log::info!("harbor opened");
}

#[cfg(feature = "e")]
#[reducer(init)]
pub fn open_harbor(ctx: &ReducerContext) -> Result<(), String> {
    ctx.db.gauge().insert(gauge(1, -3));
    Err("no water yet".into())
}

#[reducer(client_connected)]
pub fn greet(ctx: &ReducerContext) -> Result<(), String> {
    #[cfg(not(feature = "m"))]
    if ctx.db.gauge().id().find(99).is_some() {
        return Err("the harbor is closed".into());
    }
    if let Some(connection) = ctx.connection_id() {
        ctx.db.visit().insert(visit(connection, ctx.timestamp));
    }
    Ok(())
}

#[reducer(client_disconnected)]
pub fn farewell(ctx: &ReducerContext) {
    if let Some(connection) = ctx.connection_id() {
        ctx.db.visit().connection().delete(connection);
    }
}

#[reducer]
pub fn dock_boat(ctx: &ReducerContext, name: String, dock: u32, slot: u16, rig: Rig, hull: Hull) -> Result<(), String> {
    if name.is_empty() {
        return Err("a boat needs a name".into());
    }
    let row = Boat {
        id: 0,
        name,
        dock,
        slot,
        rig,
        hull,
        motto: None,
        tags: vec!["new".into()],
        seal: vec![0xde, 0xad],
        crest: u256::from(0x0102u32),
        weight: 1.5,
        arrived: ctx.timestamp,
        berth_fee: 7,
    };
    ctx.db.boat().try_insert(row).map_err(|e| e.to_string())?;
    Ok(())
}

#[reducer]
pub fn move_boat(ctx: &ReducerContext, name: String, dock: u32, slot: u16) -> Result<(), String> {
    let old = ctx.db.boat().name().find(&name).ok_or("no such boat")?;
    ctx.db.boat().id().update(Boat { dock, slot, motto: Some("onward".into()), ..old });
    Ok(())
}

#[reducer]
pub fn leave(ctx: &ReducerContext, name: String) {
    ctx.db.boat().name().delete(&name);
}

#[cfg(not(feature = "m"))]
#[reducer]
pub fn set_gauge(ctx: &ReducerContext, id: u32, level: i32) {
    match ctx.db.gauge().id().find(id) {
        Some(_) => ctx.db.gauge().id().update(gauge(id, level)),
        None => ctx.db.gauge().insert(gauge(id, level)),
    };
}

#[cfg(not(feature = "m"))]
#[reducer]
pub fn drop_gauge(ctx: &ReducerContext, id: u32) {
    ctx.db.gauge().id().delete(id);
}

#[reducer]
pub fn write_note(ctx: &ReducerContext, text: String) {
    ctx.db.note().insert(Note { id: 0, owner: ctx.sender(), text });
}

#[reducer]
pub fn blow_horn(ctx: &ReducerContext, boat: u64, sound: String) {
    ctx.db.horn().insert(Horn { boat, sound });
}

#[reducer]
pub fn idle(_ctx: &ReducerContext) {}

#[cfg(not(feature = "m"))]
#[reducer]
pub fn capsize(ctx: &ReducerContext) {
    ctx.db.gauge().insert(gauge(50, 0));
    panic!("the boat turned over");
}

#[reducer]
pub fn plan_patrol(ctx: &ReducerContext, millis: u64, gauge: u32) {
    let at = ctx.timestamp + Duration::from_millis(millis);
    ctx.db.patrol().insert(Patrol { scheduled_id: 0, scheduled_at: ScheduleAt::Time(at), gauge });
}

#[reducer]
pub fn run_patrol(ctx: &ReducerContext, job: Patrol) {
    #[cfg(not(feature = "m"))]
    if let Some(g) = ctx.db.gauge().id().find(job.gauge) {
        ctx.db.gauge().id().update(Gauge { level: g.level + 1, ..g });
    }
    #[cfg(feature = "m")]
    let _ = (ctx, job);
}

#[view(accessor = my_notes, public)]
fn my_notes(ctx: &ViewContext) -> Vec<Note> {
    ctx.db.note().owner().filter(&ctx.sender()).collect()
}

#[view(accessor = first_dock, public)]
fn first_dock(ctx: &AnonymousViewContext) -> Vec<Boat> {
    ctx.db.boat().berth().filter(&1u32).collect()
}

#[procedure]
fn tide(_ctx: &mut ProcedureContext, moon: u32, sun: u32) -> Hull {
    Hull { length: (moon + sun) as f32, beam: 0.5 }
}

#[cfg(not(feature = "m"))]
#[procedure]
fn refill(ctx: &mut ProcedureContext, id: u32, level: i32) -> Result<u32, String> {
    if level < 0 {
        return Err("only upwards".into());
    }
    ctx.with_tx(|tx| {
        tx.db.gauge().id().delete(id);
        tx.db.gauge().insert(gauge(id, level));
    });
    Ok(level as u32)
}
