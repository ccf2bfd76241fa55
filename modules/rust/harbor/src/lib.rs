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

#[table(name = boat, public, index(name = berth, btree(columns = [dock, slot])))]
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

#[cfg(not(feature = "c"))]
#[table(name = gauge, public)]
#[derive(Clone)]
pub struct Gauge {
    #[primary_key]
    id: u32,
    level: i32,
}

#[cfg(feature = "c")]
#[table(name = gauge, public)]
#[derive(Clone)]
pub struct Gauge {
    #[primary_key]
    id: u32,
    level: i32,
    #[default(true)]
    working: bool,
}

#[cfg(feature = "c")]
fn gauge(id: u32, level: i32) -> Gauge {
    Gauge { id, level, working: true }
}

#[cfg(not(feature = "c"))]
fn gauge(id: u32, level: i32) -> Gauge {
    Gauge { id, level }
}

#[cfg(feature = "b")]
#[table(name = crane, public)]
pub struct Crane {
    #[primary_key]
    id: u32,
    tons: u16,
}

#[table(name = note, public)]
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

#[table(name = visit)]
pub struct Visit {
    #[primary_key]
    connection: ConnectionId,
    since: Timestamp,
}

#[table(name = patrol, public, scheduled(run_patrol))]
pub struct Patrol {
    #[primary_key]
    #[auto_inc]
    scheduled_id: u64,
    scheduled_at: ScheduleAt,
    gauge: u32,
}

#[reducer(init)]
pub fn open_harbor(ctx: &ReducerContext) {
    ctx.db.gauge().insert(gauge(1, -3));
    log::info!("harbor opened");
}

#[reducer(client_connected)]
pub fn greet(ctx: &ReducerContext) -> Result<(), String> {
    if ctx.db.gauge().id().find(99).is_some() {
        return Err("the harbor is closed".into());
    }
    if let Some(connection) = ctx.connection_id {
        ctx.db.visit().insert(Visit { connection, since: ctx.timestamp });
    }
    Ok(())
}

#[reducer(client_disconnected)]
pub fn farewell(ctx: &ReducerContext) {
    if let Some(connection) = ctx.connection_id {
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

#[reducer]
pub fn set_gauge(ctx: &ReducerContext, id: u32, level: i32) {
    match ctx.db.gauge().id().find(id) {
        Some(_) => ctx.db.gauge().id().update(gauge(id, level)),
        None => ctx.db.gauge().insert(gauge(id, level)),
    };
}

#[reducer]
pub fn drop_gauge(ctx: &ReducerContext, id: u32) {
    ctx.db.gauge().id().delete(id);
}

#[reducer]
pub fn write_note(ctx: &ReducerContext, text: String) {
    ctx.db.note().insert(Note { id: 0, owner: ctx.sender, text });
}

#[reducer]
pub fn idle(_ctx: &ReducerContext) {}

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
    if let Some(g) = ctx.db.gauge().id().find(job.gauge) {
        ctx.db.gauge().id().update(Gauge { level: g.level + 1, ..g });
    }
}

#[view(name = my_notes, public)]
fn my_notes(ctx: &ViewContext) -> Vec<Note> {
    ctx.db.note().owner().filter(&ctx.sender).collect()
}

#[view(name = first_dock, public)]
fn first_dock(ctx: &AnonymousViewContext) -> Vec<Boat> {
    ctx.db.boat().berth().filter(&1u32).collect()
}

#[procedure]
fn tide(_ctx: &mut ProcedureContext, moon: u32, sun: u32) -> Hull {
    Hull { length: (moon + sun) as f32, beam: 0.5 }
}

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
