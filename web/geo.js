// Distances and directions on the ground. Positions are { lat, lon } in degrees; lengths are metres.

const EARTH = 6371008.8;
const rad = (degrees) => (degrees * Math.PI) / 180;

/** Great-circle distance (haversine). */
export function metres(a, b) {
  const dLat = rad(b.lat - a.lat) / 2;
  const dLon = rad(b.lon - a.lon) / 2;
  const s = Math.sin(dLat) ** 2 + Math.cos(rad(a.lat)) * Math.cos(rad(b.lat)) * Math.sin(dLon) ** 2;
  return 2 * EARTH * Math.asin(Math.sqrt(Math.min(1, s)));
}

/** The middle of a GeoJSON area: a Point's own place, or the mean of a Polygon's corners. */
export function centre(area) {
  if (area.type === "Point") return { lat: area.coordinates[1], lon: area.coordinates[0] };
  const corners = area.coordinates[0].slice(0, -1);
  const mean = (axis) => corners.reduce((sum, corner) => sum + corner[axis], 0) / corners.length;
  return { lat: mean(1), lon: mean(0) };
}

/** Metres from a place to the nearest edge of an area; 0 inside it. */
export function metresOutside(area, place) {
  if (area.type === "Point") return Math.max(0, metres(centre(area), place) - area.radius_m);
  const flat = area.coordinates[0].map(([lon, lat]) => [
    rad(lon - place.lon) * Math.cos(rad(place.lat)) * EARTH,
    rad(lat - place.lat) * EARTH,
  ]);
  let inside = false;
  let nearest = Infinity;
  for (let i = 1; i < flat.length; i += 1) {
    const [a, b] = [flat[i - 1], flat[i]];
    if (a[1] > 0 !== b[1] > 0 && a[0] - (a[1] * (b[0] - a[0])) / (b[1] - a[1]) > 0) inside = !inside;
    nearest = Math.min(nearest, toSegment(a, b));
  }
  return inside ? 0 : nearest;
}

function toSegment([ax, ay], [bx, by]) {
  const [dx, dy] = [bx - ax, by - ay];
  const along = Math.max(0, Math.min(1, -(ax * dx + ay * dy) / (dx * dx + dy * dy || 1)));
  return Math.hypot(ax + along * dx, ay + along * dy);
}

const POINTS = ["north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west"];

/** Which way `to` lies from `from`, in words. */
export function direction(from, to) {
  const dLon = rad(to.lon - from.lon);
  const y = Math.sin(dLon) * Math.cos(rad(to.lat));
  const x =
    Math.cos(rad(from.lat)) * Math.sin(rad(to.lat)) -
    Math.sin(rad(from.lat)) * Math.cos(rad(to.lat)) * Math.cos(dLon);
  const eighth = Math.round(Math.atan2(y, x) / (Math.PI / 4));
  return POINTS[(eighth + 8) % 8];
}
