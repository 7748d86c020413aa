"""Small catalogs straight into a test's database."""

T0 = 1_700_000_000.0  # epoch seconds that the tests count from


def put_catalog(db, name, events, picks=(), kind="reference", **fields):
    """Enter events (time after T0, latitude, longitude[, depth, magnitude]) and picks (time after T0, sta, phase)."""
    own = {"config_id": name, "task_id": "t"}
    documents = []
    for number, (time, latitude, longitude, *rest) in enumerate(events):
        document = {"_id": f"{name}{number:06d}", "catalog": name, "time": T0 + time, "origins": [], "magnitudes": []}
        document |= own | {"evaluation_mode": "manual", "evaluation_status": "reviewed"}
        if latitude is not None:
            document |= {"latitude": latitude, "longitude": longitude}
        document |= dict(zip(("depth_km", "magnitude"), rest, strict=False))
        documents.append(document)
    if documents:
        db.event.insert_many(documents)
    rows = [
        {
            "_id": f"{name}pick{number:06d}",
            "pick_set": name,
            "channel_group": f".{sta}..",
            "net": "",
            "sta": sta,
            "loc": "",
            "chan": "",
        }
        | {"phase": phase, "time": T0 + time, "uncertainty": 0.1, "evaluation_mode": "manual"}
        | own
        for number, (time, sta, phase) in enumerate(picks)
    ]
    if rows:
        db.pick.insert_many(rows)
        db.pick_set.insert_one({"_id": name, "kind": kind, "config_id": name})
        fields = {"pick_set": name} | fields
    db.catalog.insert_one({"_id": name, "kind": kind, "config_id": name} | fields)
