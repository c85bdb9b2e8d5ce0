"""All of it once a week, each step in a process of its own."""

import dagster as dg

weekly = dg.define_asset_job("weekly", selection=dg.AssetSelection.all())
every_monday = dg.ScheduleDefinition(job=weekly, cron_schedule="0 6 * * 1")
