//! What PostgreSQL does in its own way: many rows travel as arrays in one statement, which saves the
//! round trips and keeps one prepared text whatever their number.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Array, BigInt, Binary, Bool, Integer, SmallInt, Text};

use uuid::Uuid;

use super::Conn;
use crate::model::resource::IndexRow;
use crate::store::error::Result;
use crate::store::schema::search_index;

pub(in crate::store) fn put_index_rows(
    conn: &mut Conn,
    pt: i64,
    kind: i16,
    id: Uuid,
    index: &[IndexRow],
) -> Result<()> {
    if index.is_empty() {
        return Ok(());
    }
    let statement = PutIndexRows {
        pt,
        kind,
        id: id.as_bytes(),
        parameters: index.iter().map(|row| row.parameter).collect(),
        values: index.iter().map(|row| row.value.as_str()).collect(),
        lows: index.iter().map(|row| row.low).collect(),
        highs: index.iter().map(|row| row.high).collect(),
    };
    statement.execute(conn)?;
    Ok(())
}

struct PutIndexRows<'a> {
    pt: i64,
    kind: i16,
    id: &'a [u8],
    parameters: Vec<i32>,
    values: Vec<&'a str>,
    lows: Vec<i64>,
    highs: Vec<i64>,
}

impl QueryId for PutIndexRows<'_> {
    type QueryId = PutIndexRows<'static>;

    const HAS_STATIC_QUERY_ID: bool = true;
}

impl QueryFragment<Pg> for PutIndexRows<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("INSERT INTO search_index (pt, kind, id, parameter, value, low, high) SELECT ");
        out.push_bind_param::<BigInt, _>(&self.pt)?;
        out.push_sql(", ");
        out.push_bind_param::<SmallInt, _>(&self.kind)?;
        out.push_sql(", ");
        out.push_bind_param::<Binary, _>(&self.id)?;
        out.push_sql(", row.* FROM unnest(");
        out.push_bind_param::<Array<Integer>, _>(&self.parameters)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<Text>, _>(&self.values)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.lows)?;
        out.push_sql(", ");
        out.push_bind_param::<Array<BigInt>, _>(&self.highs)?;
        out.push_sql(") AS row");
        Ok(())
    }
}

impl RunQueryDsl<Conn> for PutIndexRows<'_> {}

/// Whether the value of an index row ends with this.
pub(in crate::store) fn ends_with(end: &str) -> impl BoxableExpression<search_index::table, Pg, SqlType = Bool> {
    let start = diesel::dsl::sql::<Bool>("right(value, length(").bind::<Text, _>(end.to_owned());
    start.sql(")) = ").bind::<Text, _>(end.to_owned())
}
