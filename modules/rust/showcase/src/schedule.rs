//! Tables whose rows are calls to come.

use crate::write_down;
use spacetimedb::{reducer, table, volatile_nonatomic_schedule_immediate, ReducerContext, ScheduleAt, Table};
use std::time::Duration;

#[table(name = tick, public, scheduled(on_tick))]
pub struct Tick {
    #[primary_key]
    #[auto_inc]
    scheduled_id: u64,
    scheduled_at: ScheduleAt,
    note: String,
}

#[reducer]
pub fn on_tick(ctx: &ReducerContext, tick: Tick) -> Result<(), String> {
    if !ctx.sender_auth().is_internal() {
        return Err("only the scheduler may call this".into());
    }
    write_down(ctx, format!("tick {} {}", tick.scheduled_id, tick.note));
    Ok(())
}

#[reducer]
pub fn tick_every(ctx: &ReducerContext, millis: u64, note: String) {
    let scheduled_at = ScheduleAt::Interval(Duration::from_millis(millis).into());
    ctx.db.tick().insert(Tick { scheduled_id: 0, scheduled_at, note });
}

#[reducer]
pub fn tick_in(ctx: &ReducerContext, millis: u64, note: String) {
    let scheduled_at = ScheduleAt::Time(ctx.timestamp + Duration::from_millis(millis));
    ctx.db.tick().insert(Tick { scheduled_id: 0, scheduled_at, note });
}

#[reducer]
pub fn stop_tick(ctx: &ReducerContext, scheduled_id: u64) {
    ctx.db.tick().scheduled_id().delete(scheduled_id);
}

/// A call that is made whether or not this one commits.
#[reducer]
pub fn call_soon(_ctx: &ReducerContext, entry: String, then_fail: bool) -> Result<(), String> {
    volatile_nonatomic_schedule_immediate!(write_entry(entry));
    if then_fail {
        return Err("failed after scheduling".into());
    }
    Ok(())
}

#[reducer]
pub fn write_entry(ctx: &ReducerContext, entry: String) {
    write_down(ctx, entry);
}
