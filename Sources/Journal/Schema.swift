/// The journal's tables. People query them with `sqlite3`, so names stay.
enum Schema {
    static let version = 1

    static let statements = """
        create table if not exists events (
            id integer primary key, time_utc text not null, generation integer not null, kind text not null,
            detail text not null);
        create table if not exists generations (
            generation integer primary key, started_utc text not null, ended_utc text, ranks integer not null,
            cause text);
        create table if not exists plans (
            id integer primary key, generation integer not null, stage text not null, first_step integer not null,
            last_step integer not null, kinds text not null, checkpoint_after text not null,
            stops_at_end integer not null, finishes_stage integer not null);
        create table if not exists steps (
            stage text not null, step integer not null, kind text not null, student_updated integer not null,
            generation integer not null, primary key (stage, step)) without rowid;
        create table if not exists metrics (
            stage text not null, step integer not null, name text not null, value real,
            primary key (stage, name, step)) without rowid;
        create table if not exists checkpoints (
            stage text not null, step integer not null, path text not null, manifest_sha256 text not null,
            time_utc text not null, primary key (stage, step)) without rowid;
        create table if not exists ratio_segments (
            stage text not null, first_step integer not null, ratio integer not null, anchor_step integer not null,
            primary key (stage, first_step)) without rowid;
        create table if not exists stages (
            stage text primary key, batch integer not null, epoch_samples integer not null) without rowid;
        create view if not exists sample_ledger as
            select stage, step, generation, step * batch as first_sample, (step + 1) * batch - 1 as last_sample,
                step * batch / epoch_samples as first_epoch,
                ((step + 1) * batch - 1) / epoch_samples as last_epoch,
                coalesce(lag((step + 1) * batch) over (partition by stage order by step), 0) as expected_first_sample
            from steps join stages using (stage);
        pragma user_version = \(version);
        """
}
