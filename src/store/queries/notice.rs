//! First accesses and the outbox.

use diesel::prelude::*;
use jiff::Timestamp;

use super::super::Conn;
use crate::access::permit::Permit;
use crate::clock::to_micros;
use crate::ids::{PatientKey, ShardKey};
use crate::model::notification::{Channel, Notification, NotificationState, NotifiedEvent};
use crate::store::cached::Cached;
use crate::store::error::Result;
use crate::store::records::OutboxItem;
use crate::store::rows;
use crate::store::schema::{first_access, outbox};

#[derive(Queryable, Selectable)]
#[diesel(table_name = outbox)]
struct Row {
    pt: i64,
    id: Vec<u8>,
    event_id: Vec<u8>,
    event: String,
    channel: String,
    state: String,
    created_at: i64,
    attempts: i32,
    next_at: i64,
}

pub(in crate::store) fn fact_has_accessed(conn: &mut Conn, patient: PatientKey, accessor: &str) -> Result<bool> {
    let row = first_access::table.find((patient.get(), accessor));
    Ok(diesel::select(diesel::dsl::exists(row)).get_result(conn)?)
}

pub(in crate::store) fn record_first_access(
    conn: &mut Conn,
    permit: &Permit,
    accessor: &str,
    at: Timestamp,
) -> Result<bool> {
    let statement = diesel::insert_into(first_access::table)
        .values((
            first_access::pt.eq(permit.shard().get()),
            first_access::accessor.eq(accessor),
            first_access::at.eq(to_micros(at)),
        ))
        .on_conflict_do_nothing();
    Ok(Cached(statement).execute(conn)? > 0)
}

pub(in crate::store) fn put_notifications(
    conn: &mut Conn,
    permit: &Permit,
    notifications: &[Notification],
) -> Result<usize> {
    let mut added = 0;
    for notification in notifications {
        let created_at = to_micros(notification.created_at);
        let statement = diesel::insert_into(outbox::table)
            .values((
                outbox::pt.eq(permit.shard().get()),
                outbox::id.eq(notification.id.as_bytes()),
                outbox::event_id.eq(notification.event_id.as_bytes()),
                outbox::event.eq(notification.event.name()),
                outbox::channel.eq(notification.channel.name()),
                outbox::state.eq(NotificationState::Pending.name()),
                outbox::created_at.eq(created_at),
                outbox::attempts.eq(0),
                outbox::next_at.eq(created_at),
            ))
            .on_conflict_do_nothing();
        added += Cached(statement).execute(conn)?;
    }
    Ok(added)
}

pub(in crate::store) fn list_outbox(conn: &mut Conn, state: NotificationState, limit: i64) -> Result<Vec<OutboxItem>> {
    let rows: Vec<Row> = outbox::table
        .filter(outbox::state.eq(state.name()))
        .order((outbox::next_at, outbox::pt, outbox::id))
        .limit(limit)
        .select(Row::as_select())
        .load(conn)?;
    rows.into_iter().map(to_item).collect()
}

fn to_item(row: Row) -> Result<OutboxItem> {
    let notification = Notification {
        id: rows::uuid(&row.id, "outbox", "id")?,
        event_id: rows::uuid(&row.event_id, "outbox", "event_id")?,
        event: rows::word(NotifiedEvent::from_name(&row.event), "outbox", "event")?,
        channel: rows::word(Channel::from_name(&row.channel), "outbox", "channel")?,
        created_at: rows::instant(row.created_at),
    };
    Ok(OutboxItem {
        pt: ShardKey::from_stored(row.pt),
        notification,
        state: rows::word(NotificationState::from_name(&row.state), "outbox", "state")?,
        attempts: row.attempts,
        next_at: rows::instant(row.next_at),
    })
}
