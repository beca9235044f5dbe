package main

// layout is where the next panel of a dashboard goes.
type layout struct{ id, x, y, height int }

// placeAll gives panels their ids and places, from left to right and from top to bottom.
func (l *layout) placeAll(panels []panel) []panel {
	var placed []panel
	for _, p := range panels {
		placed = append(placed, l.place(p))
	}
	return placed
}

// place gives a panel the next id and place. The panels of a folded row are where they are once it is unfolded; Grafana
// then moves down what follows.
func (l *layout) place(p panel) panel {
	if l.x+p.GridPos.W > gridWidth {
		l.x, l.y, l.height = 0, l.y+l.height, 0
	}
	l.id++
	p.ID, p.GridPos.X, p.GridPos.Y = l.id, l.x, l.y
	l.x, l.height = l.x+p.GridPos.W, max(l.height, p.GridPos.H)
	if p.Panels != nil && len(*p.Panels) > 0 {
		inside := layout{id: l.id, y: l.y + p.GridPos.H}
		panels := inside.placeAll(*p.Panels)
		p.Panels, l.id = &panels, inside.id
	}
	return p
}

// fold closes a row: its panels show, and ask their queries, once the reader opens it. The first panel is the row.
func fold(panels []panel) []panel {
	row, inside, closed := panels[0], panels[1:], true
	row.Collapsed, row.Panels = &closed, &inside
	return []panel{row}
}
