//! What SQLite does in its own way: index rows go in by statements of a fixed number of rows, which
//! stay prepared whatever a resource has of them.

use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Binary, Bool, Integer, SmallInt, Text};
use diesel::sqlite::Sqlite;

use uuid::Uuid;

use super::Conn;
use crate::model::resource::IndexRow;
use crate::store::error::Result;
use crate::store::schema::search_index;

/// Rows of the longer statement: a fiche has about thirty, a submission set half of that.
const MANY: usize = 8;

pub(in crate::store) fn put_index_rows(
    conn: &mut Conn,
    pt: i64,
    kind: i16,
    id: Uuid,
    index: &[IndexRow],
) -> Result<()> {
    let id = id.as_bytes().as_slice();
    let (many, few) = index.as_chunks::<MANY>();
    for rows in many {
        PutIndexRows { pt, kind, id, rows }.execute(conn)?;
    }
    for row in few {
        PutIndexRows { pt, kind, id, rows: std::array::from_ref(row) }.execute(conn)?;
    }
    Ok(())
}

struct PutIndexRows<'a, const N: usize> {
    pt: i64,
    kind: i16,
    id: &'a [u8],
    rows: &'a [IndexRow; N],
}

impl<const N: usize> QueryId for PutIndexRows<'_, N> {
    type QueryId = PutIndexRows<'static, N>;

    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<const N: usize> QueryFragment<Sqlite> for PutIndexRows<'_, N> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        // Without OR FAIL each statement of several rows would first copy every page it touches, to be
        // undone on its own: a unit that fails is undone whole.
        out.push_sql("INSERT OR FAIL INTO search_index (pt, kind, id, parameter, value, low, high) VALUES ");
        for (place, row) in self.rows.iter().enumerate() {
            out.push_sql(if place == 0 { "(" } else { ", (" });
            out.push_bind_param::<BigInt, _>(&self.pt)?;
            out.push_sql(", ");
            out.push_bind_param::<SmallInt, _>(&self.kind)?;
            out.push_sql(", ");
            out.push_bind_param::<Binary, _>(&self.id)?;
            out.push_sql(", ");
            out.push_bind_param::<Integer, _>(&row.parameter)?;
            out.push_sql(", ");
            out.push_bind_param::<Text, _>(&row.value)?;
            out.push_sql(", ");
            out.push_bind_param::<BigInt, _>(&row.low)?;
            out.push_sql(", ");
            out.push_bind_param::<BigInt, _>(&row.high)?;
            out.push_sql(")");
        }
        Ok(())
    }
}

impl<const N: usize> RunQueryDsl<Conn> for PutIndexRows<'_, N> {}

/// Whether the value of an index row ends with this.
pub(in crate::store) fn ends_with(end: &str) -> impl BoxableExpression<search_index::table, Sqlite, SqlType = Bool> {
    let start = diesel::dsl::sql::<Bool>("substr(value, -length(").bind::<Text, _>(end.to_owned());
    start.sql(")) = ").bind::<Text, _>(end.to_owned())
}
