package imageprep

// orientation is EXIF's: how the stored rows and columns are to be shown, 1 to 8.
type orientation uint8

const upright orientation = 1

// swapsSides tells whether stored columns are shown as rows.
func (o orientation) swapsSides() bool { return o >= 5 && o <= 8 }

// mirrors tells, for each stored axis, whether it is shown backwards.
func (o orientation) mirrors() (x, y bool) {
	switch o {
	case 2:
		return true, false
	case 3:
		return true, true
	case 4:
		return false, true
	case 6:
		return false, true
	case 7:
		return true, true
	case 8:
		return true, false
	}
	return false, false
}
