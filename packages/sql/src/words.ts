/** The words of the grammar, in upper case. */

const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** Values that are written without parentheses: keywords, never a column or a qualifier without quotes. */
export const valueWords = words("USER CURRENT_USER SESSION_USER CURRENT_CATALOG CURRENT_DATE CURRENT_TIME LOCALTIME");

/** Functions with a syntax of their own. Names like any other unless a parenthesis follows. */
export const functionWords = words("CAST TRY_CAST EXISTS EXTRACT POSITION SUBSTRING TRIM OVERLAY FLOOR CEIL LISTAGG");

/** Words that end a table or a select item, so they are no alias without AS; some only before certain words: `keptFor`. */
export const notAnAlias = words(`
  FROM WHERE JOIN INNER CROSS LEFT RIGHT FULL OUTER NATURAL ON USING LIMIT OFFSET FETCH ORDER GROUP HAVING UNION
  EXCEPT INTERSECT MINUS SET RETURNING FOR WINDOW QUALIFY CLUSTER SORT DISTRIBUTE LATERAL VALUES AND OR NOT IS IN
  BETWEEN LIKE ILIKE AS SELECT WITH ANTI SEMI ASOF TABLESAMPLE GLOBAL ANY CONNECT START SAMPLE PIVOT UNPIVOT INTO
`);

/** Words that are keywords only before one of these, and names otherwise. */
export const keptFor: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  Object.entries({
    CLUSTER: "BY",
    SORT: "BY",
    DISTRIBUTE: "BY",
    CONNECT: "BY",
    START: "WITH",
    MINUS: "SELECT WITH (",
    LATERAL: "VIEW JOIN (",
    GLOBAL: "JOIN INNER LEFT RIGHT FULL ANTI SEMI ASOF ANY ALL",
    ANTI: "JOIN",
    SEMI: "JOIN",
    ASOF: "JOIN LEFT",
    ANY: "JOIN INNER LEFT RIGHT FULL",
    TABLESAMPLE: "( BERNOULLI SYSTEM",
    SAMPLE: "(",
    PIVOT: "(",
    UNPIVOT: "(",
  }).map(([word, followers]) => [word, words(followers)]),
);

/** Starts a clause of a query that no dialect has. */
export const selectClauses = words("GROUP HAVING WINDOW QUALIFY CLUSTER SORT DISTRIBUTE LATERAL CONNECT START INTO");
export const queryClauses = words("ORDER OFFSET FETCH FOR");
/** Second words of clauses whose name has two. */
export const clauseSeconds = words("BY WITH VIEW UPDATE SHARE CONFLICT DUPLICATE");
export const setOperators = words("UNION EXCEPT INTERSECT MINUS");
export const otherJoins = words("LEFT RIGHT FULL NATURAL OUTER ANTI SEMI ASOF GLOBAL");

/** Starts a statement of SQL that no dialect has. */
export const otherStatements = words(`
  CREATE DROP ALTER TRUNCATE BEGIN START COMMIT ROLLBACK END EXPLAIN DESCRIBE DESC COPY GRANT REVOKE DECLARE FETCH
  CLOSE CALL EXECUTE EXEC PREPARE DEALLOCATE ANALYZE VACUUM USE MERGE REPLACE KILL CACHE UNCACHE ASSERT COMMENT
  SAVEPOINT RELEASE LOCK UNLOCK PRAGMA VALUES TABLE REFRESH DISCARD RESET ATTACH DETACH INSTALL LOAD OPTIMIZE LISTEN
  UNLISTEN NOTIFY MSCK FLUSH
`);

/** Printed in upper case when a message shows the source. */
export const printedUpper = words(`
  SELECT FROM WHERE AND OR NOT IN BETWEEN LIKE ILIKE IS NULL LIMIT OFFSET FETCH ORDER BY GROUP HAVING DISTINCT UNION
  ALL EXCEPT INTERSECT WITH AS JOIN INNER LEFT RIGHT FULL OUTER CROSS NATURAL ON USING INSERT INTO VALUES UPDATE SET
  DELETE RETURNING TRUNCATE TABLE DROP CREATE ALTER INT TEXT EXPLAIN BEGIN COMMIT ROLLBACK CASE WHEN THEN ELSE END
  EXISTS CAST ASC DESC SHOW CONFLICT DO NOTHING
`);
