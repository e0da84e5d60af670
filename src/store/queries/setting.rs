//! What the server remembers of itself.

use diesel::prelude::*;

use super::super::Conn;
use crate::store::cached::Cached;
use crate::store::error::Result;
use crate::store::schema::setting;

pub(in crate::store) fn find_setting(conn: &mut Conn, name: &str) -> Result<Option<String>> {
    Ok(setting::table.find(name).select(setting::value).get_result(conn).optional()?)
}

pub(in crate::store) fn put_setting(conn: &mut Conn, name: &str, value: &str) -> Result<()> {
    let statement = diesel::insert_into(setting::table)
        .values((setting::name.eq(name), setting::value.eq(value)))
        .on_conflict(setting::name)
        .do_update()
        .set(setting::value.eq(value));
    Cached(statement).execute(conn)?;
    Ok(())
}
