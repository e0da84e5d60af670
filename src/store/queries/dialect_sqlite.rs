//! What SQLite does in its own way: many rows are many runs of one prepared statement, which here
//! costs less than to prepare a longer one.

use diesel::prelude::*;

use super::Conn;
use crate::model::resource::NewResource;
use crate::store::cached::Cached;
use crate::store::error::Result;
use crate::store::schema::search_index;

pub(in crate::store) fn put_index_rows(conn: &mut Conn, pt: i64, new: &NewResource) -> Result<()> {
    for row in &new.index {
        let statement = diesel::insert_into(search_index::table)
            .values((
                search_index::pt.eq(pt),
                search_index::kind.eq(new.kind.number()),
                search_index::id.eq(new.id.as_bytes()),
                search_index::parameter.eq(row.parameter),
                search_index::value.eq(&row.value),
                search_index::low.eq(row.low),
                search_index::high.eq(row.high),
            ))
            .on_conflict_do_nothing();
        Cached(statement).execute(conn)?;
    }
    Ok(())
}
